// Sixteen threads count under one mutex of each kind, some of them yielding while they hold it.
#include "oracle.h"

enum { THREADS = 16, ROUNDS = 2000 };

static pthread_mutex_t mutexes[4] = {
    PTHREAD_MUTEX_INITIALIZER,
    PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP,
    PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP,
    PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP,
};
static long counters[4];
static int inside[4], broken;

static void *body(void *argument)
{
    int me = (int)(intptr_t)argument;
    for (int i = 0; i < ROUNDS; i++) {
        int which = (i + me) % 4;
        MUST(pthread_mutex_lock(&mutexes[which]) == 0);
        broken += inside[which]++ != 0;
        counters[which]++;
        if (i % 100 == me)
            sched_yield();
        inside[which]--;
        MUST(pthread_mutex_unlock(&mutexes[which]) == 0);
    }
    return NULL;
}

int main(void)
{
    begin();
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = start(body, (void *)i);
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    say("counters: %ld %ld %ld %ld", counters[0], counters[1], counters[2], counters[3]);
    say("two inside at once: %d", broken);
    return 0;
}
