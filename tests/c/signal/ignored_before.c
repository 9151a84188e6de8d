// A signal that was ignored before there were threads is ignored when it is sent to one, also one that is about to end.
#include "oracle.h"

enum { ROUNDS = 2000, SENDERS = 3 };

static pthread_barrier_t begun, sent;
static pthread_t target;
static bool over;

static void *end(void *unused)
{
    target = pthread_self();
    pthread_barrier_wait(&begun);
    return unused;
}

static void *send_it(void *unused)
{
    for (;;) {
        pthread_barrier_wait(&begun);
        if (over)
            return unused;
        MUST(pthread_kill(target, SIGUSR1) == 0);
        pthread_barrier_wait(&sent);
    }
}

int main(void)
{
    begin();
    MUST(signal(SIGUSR1, SIG_IGN) == SIG_DFL);
    MUST(pthread_barrier_init(&begun, NULL, SENDERS + 2) == 0);
    MUST(pthread_barrier_init(&sent, NULL, SENDERS + 1) == 0);
    pthread_t senders[SENDERS];
    for (int i = 0; i < SENDERS; i++)
        senders[i] = start(send_it, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t thread = start(end, NULL);
        pthread_barrier_wait(&begun);
        pthread_barrier_wait(&sent);
        finish(thread);
    }
    over = true;
    pthread_t last = start(end, NULL);
    pthread_barrier_wait(&begun);
    finish(last);
    for (int i = 0; i < SENDERS; i++)
        finish(senders[i]);
    MUST(raise(SIGUSR1) == 0);
    struct sigaction now;
    MUST(sigaction(SIGUSR1, NULL, &now) == 0);
    say("still ignored: %d", now.sa_handler == SIG_IGN);
}
