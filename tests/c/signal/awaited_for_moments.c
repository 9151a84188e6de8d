// Signals to the process that every thread blocks, whose default action would end it, are awaited for moments only, again and again
// just too late: whoever awaits one gets it, and to nobody else it happens.
#include "oracle.h"

enum { SIGNALS = 300, TAKERS = 6 };

static int number;
static _Atomic int taken;

static void *takes(void *unused)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    for (long n = 0; taken < SIGNALS; n++) {
        struct timespec limit = {0, n % 7 * 20000};
        if (sigtimedwait(&set, NULL, &limit) == number)
            taken++;
    }
    return unused;
}

// Somebody runs, so that somebody looks.
static void *runs(void *unused)
{
    while (taken < SIGNALS)
        sched_yield();
    return unused;
}

static void *sends(void *unused)
{
    for (int i = 0; i < SIGNALS; i++) {
        MUST(sigqueue(getpid(), number, (union sigval){.sival_int = i}) == 0);
        usleep(300 + i % 7 * 100);
    }
    return unused;
}

int main(void)
{
    begin();
    sigset_t set;
    pthread_t takers[TAKERS];
    number = SIGRTMIN + 4;
    sigemptyset(&set);
    sigaddset(&set, number);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    for (int i = 0; i < TAKERS; i++)
        takers[i] = start(takes, NULL);
    pthread_t runner = start(runs, NULL);
    finish(start(sends, NULL));
    finish(runner);
    for (int i = 0; i < TAKERS; i++)
        finish(takers[i]);
    say("taken: %d", taken);
    return 0;
}
