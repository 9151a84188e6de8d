// Signals that every thread blocks, and whose default action would end the process, are pending while threads are made: no
// thread accepts them before it has its mask, and whoever awaits them gets each.
#include "oracle.h"

enum { ALIVE = 100, ROUNDS = 20, SIGNALS = 300 };

static sem_t go;
static int number;

static void *waits_for_all(void *unused)
{
    sem_wait(&go);
    return unused;
}

static void *makes_threads(void *unused)
{
    pthread_t threads[ALIVE];
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ALIVE; i++)
            threads[i] = start_small(waits_for_all, NULL);
        for (int i = 0; i < ALIVE; i++)
            MUST(sem_post(&go) == 0);
        for (int i = 0; i < ALIVE; i++)
            finish(threads[i]);
    }
    return unused;
}

static void *sends_and_takes(void *unused)
{
    sigset_t set;
    siginfo_t info;
    sigemptyset(&set);
    sigaddset(&set, number);
    for (int i = 0; i < SIGNALS; i++) {
        MUST(sigqueue(getpid(), number, (union sigval){.sival_int = i}) == 0);
        usleep(200);
        MUST(sigwaitinfo(&set, &info) == number && info.si_value.sival_int == i);
    }
    return unused;
}

int main(void)
{
    begin();
    sigset_t set;
    number = SIGRTMIN + 4;
    sigemptyset(&set);
    sigaddset(&set, number);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    MUST(sem_init(&go, 0, 0) == 0);
    pthread_t taker = start(sends_and_takes, NULL), one = start(makes_threads, NULL), two = start(makes_threads, NULL);
    finish(taker);
    finish(one);
    finish(two);
    say("all taken");
    return 0;
}
