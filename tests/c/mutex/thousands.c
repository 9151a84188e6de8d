// Ten thousand mutexes, each contended by two threads that pass along the row hand over hand.
#include "oracle.h"

enum { COUNT = 10000, WALKERS = 4 };

static pthread_mutex_t row[COUNT];
static int place[COUNT];

static void *walk(void *unused)
{
    MUST(pthread_mutex_lock(&row[0]) == 0);
    for (int i = 0; i + 1 < COUNT; i++) {
        place[i]++;
        MUST(pthread_mutex_lock(&row[i + 1]) == 0);
        if (i % 1000 == 0)
            sched_yield();
        MUST(pthread_mutex_unlock(&row[i]) == 0);
    }
    place[COUNT - 1]++;
    MUST(pthread_mutex_unlock(&row[COUNT - 1]) == 0);
    return unused;
}

int main(void)
{
    begin();
    pthread_t threads[WALKERS];
    int right = 0;
    for (int i = 0; i < COUNT; i++)
        MUST(pthread_mutex_init(&row[i], NULL) == 0);
    for (int i = 0; i < WALKERS; i++)
        threads[i] = start(walk, NULL);
    for (int i = 0; i < WALKERS; i++)
        finish(threads[i]);
    for (int i = 0; i < COUNT; i++)
        right += place[i] == WALKERS && pthread_mutex_destroy(&row[i]) == 0;
    say("walked and destroyed: %d", right);
    return 0;
}
