// A handler installed without SA_RESTART ends the call of the thread it ran in by EINTR: main and another thread, in each kind
// of wait.
#include "oracle.h"

#include <sys/epoll.h>
#include <sys/select.h>

static int ends[2], sockets[2], listener, epoll, full[2];
static volatile sig_atomic_t handled;
static volatile bool done;
static pthread_t target;

static void handler(int unused)
{
    (void)unused;
    handled++;
}

static long in_read(void)
{
    char byte;
    return read(ends[0], &byte, 1);
}

static long in_recv(void)
{
    char byte;
    return recv(sockets[0], &byte, 1, 0);
}

static long in_accept(void)
{
    return accept(listener, NULL, NULL);
}

static long in_poll(void)
{
    struct pollfd item = {.fd = ends[0], .events = POLLIN};
    return poll(&item, 1, -1);
}

static long in_poll_of_nothing(void)
{
    return poll(NULL, 0, 100000);
}

static long in_select(void)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    return select(ends[0] + 1, &set, NULL, NULL, NULL);
}

static long in_epoll(void)
{
    struct epoll_event event;
    return epoll_wait(epoll, &event, 1, -1);
}

static long in_nanosleep(void)
{
    struct timespec span = {.tv_sec = 100};
    return nanosleep(&span, NULL);
}

static long in_write(void)
{
    static char block[4096];
    while (write(full[1], block, sizeof block) > 0) {
    }
    return -1;
}

static long in_pause(void)
{
    return pause();
}

static const struct {
    const char *name;
    long (*wait)(void);
} waits[] = {
    {"read", in_read}, {"recv", in_recv}, {"accept", in_accept}, {"poll", in_poll}, {"poll of nothing", in_poll_of_nothing},
    {"select", in_select}, {"epoll_wait", in_epoll}, {"nanosleep", in_nanosleep}, {"write", in_write},
    {"pause", in_pause},
};

static void *interrupter(void *unused)
{
    while (!done) {
        MUST(pthread_kill(target, SIGUSR1) == 0);
        sleep_ms(5);
    }
    return unused;
}

static void *body(void *unused)
{
    target = pthread_self();
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        done = false;
        pthread_t thread = start(interrupter, NULL);
        long result = waits[i].wait();
        int error = errno;
        done = true;
        // The join may be interrupted in its own way; it never says so.
        finish(thread);
        say("%s: %ld %s", waits[i].name, result, error_name(error));
    }
    say("handled enough: %d", handled >= (int)(sizeof waits / sizeof *waits));
    return unused;
}

int main(void)
{
    begin();
    handle(SIGUSR1, handler, 0);
    MUST(pipe(ends) == 0 && pipe(full) == 0);
    stream_pair(sockets);
    listener = tcp_listener(5);
    epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0);
    say("main:");
    body(NULL);
    say("a thread:");
    finish(start(body, NULL));
    return 0;
}
