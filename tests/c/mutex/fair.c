// Threads that sleep while they hold a mutex, again and again: each gets it, and so does one that comes later.
#include "oracle.h"

#include <stdatomic.h>

enum { THREADS = 3, ENOUGH = 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool over;
static int turns[THREADS];

static void *greedy(void *index)
{
    while (!atomic_load(&over)) {
        MUST(pthread_mutex_lock(&lock) == 0);
        usleep(30);
        turns[(intptr_t)index]++;
        MUST(pthread_mutex_unlock(&lock) == 0);
    }
    return NULL;
}

int main(void)
{
    begin();
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = start(greedy, (void *)i);
    for (int all = 0; all < THREADS; sleep_ms(1)) {
        MUST(pthread_mutex_lock(&lock) == 0);
        all = 0;
        for (int i = 0; i < THREADS; i++)
            all += turns[i] >= ENOUGH;
        MUST(pthread_mutex_unlock(&lock) == 0);
    }
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    say("everybody had a turn");
    return 0;
}
