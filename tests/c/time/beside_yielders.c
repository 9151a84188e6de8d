// Sleeps of a millisecond beside threads that yield after each millisecond of work: what is due must not wait for hundreds of turns.
#include "oracle.h"

static volatile bool stop;

static void *yields(void *unused)
{
    while (!stop) {
        long long began = now_ns(CLOCK_MONOTONIC);
        while (now_ns(CLOCK_MONOTONIC) - began < 1000000)
            ;
        sched_yield();
    }
    return unused;
}

int main(void)
{
    begin();
    pthread_t threads[4];
    int late = 0;
    for (int i = 0; i < 4; i++)
        threads[i] = start(yields, NULL);
    for (int i = 0; i < 30; i++) {
        long long began = now_ns(CLOCK_MONOTONIC);
        usleep(1000);
        // A machine that runs other tests may be late once.
        late += now_ns(CLOCK_MONOTONIC) - began > 80000000;
    }
    stop = true;
    for (int i = 0; i < 4; i++)
        finish(threads[i]);
    say("mostly in time: %d", late < 10);
}
