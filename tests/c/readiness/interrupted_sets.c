// A select, pselect or poll that a handler ends has looked, and must not say what it saw: the sets, the time that is left and the
// revents are as Linux leaves them on EINTR, however often the call has looked before.
#include "oracle.h"

#include <sys/select.h>

enum { ROUNDS = 40 };

static int quiet[2], busy[2];
static pthread_t target;
static volatile bool stop;

static void on_signal(int signo)
{
    (void)signo;
}

// Makes the call look again and again at something that is not asked for, then interrupts it.
static void *disturb(void *unused)
{
    char byte;
    while (!stop) {
        MUST(write(busy[1], "x", 1) == 1 && read(busy[0], &byte, 1) == 1);
        pthread_kill(target, SIGUSR1);
        usleep(700);
    }
    return unused;
}

static void sets(const char *what, bool with_mask)
{
    int changed = 0, others = 0;
    sigset_t none;
    sigemptyset(&none);
    for (int i = 0; i < ROUNDS; i++) {
        fd_set in, out;
        struct timeval limit = {.tv_sec = 5};
        struct timespec span = {.tv_sec = 5};
        FD_ZERO(&in);
        FD_ZERO(&out);
        FD_SET(quiet[0], &in);
        int got = with_mask ? pselect(busy[1] + 1, &in, &out, NULL, &span, &none) : select(busy[1] + 1, &in, &out, NULL, &limit);
        if (got == -1 && errno == EINTR)
            changed += !FD_ISSET(quiet[0], &in) || FD_ISSET(busy[1], &out) || FD_ISSET(busy[0], &in);
        else
            others++;
    }
    say("%s: %d changed, %d other ends", what, changed, others);
}

static void entries(void)
{
    int changed = 0, others = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct pollfd items[2] = {{.fd = quiet[0], .events = POLLIN}, {.fd = -1, .events = POLLIN, .revents = 0}};
        int got = poll(items, 2, 5000);
        if (got == -1 && errno == EINTR)
            changed += items[0].fd != quiet[0] || items[0].events != POLLIN || items[0].revents != 0;
        else
            others++;
    }
    say("poll: %d changed, %d other ends", changed, others);
}

static void *body(void *unused)
{
    stop = false;
    target = pthread_self();
    pthread_t thread = start(disturb, NULL);
    sets("select", false);
    sets("pselect", true);
    entries();
    stop = true;
    finish(thread);
    return unused;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_handler = on_signal};
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    MUST(pipe(quiet) == 0 && pipe(busy) == 0);
    finish(start(body, NULL));
    body(NULL);
    return 0;
}
