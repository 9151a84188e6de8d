// A hundred timed waiters with different deadlines, half of them signalled: each ends by what came first, none twice.
#include "oracle.h"

enum { COUNT = 100 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t conds[COUNT];
static bool signalled[COUNT];
static int timeouts, signals, late;

static void *waiter(void *number)
{
    intptr_t i = (intptr_t)number;
    struct timespec when = in_ms(CLOCK_REALTIME, i % 2 ? 30 + i / 4 : 10000);
    int error = 0;
    MUST(pthread_mutex_lock(&mutex) == 0);
    while (!signalled[i] && error == 0)
        error = pthread_cond_timedwait(&conds[i], &mutex, &when);
    if (error == ETIMEDOUT && i % 2)
        timeouts++;
    else if (error == 0 && signalled[i])
        signals++;
    else
        late++;
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return NULL;
}

int main(void)
{
    begin();
    pthread_t threads[COUNT];
    for (intptr_t i = 0; i < COUNT; i++) {
        MUST(pthread_cond_init(&conds[i], NULL) == 0);
        threads[i] = start(waiter, (void *)i);
    }
    sleep_ms(10);
    for (int i = COUNT - 2; i >= 0; i -= 2) {
        MUST(pthread_mutex_lock(&mutex) == 0);
        signalled[i] = true;
        MUST(pthread_cond_signal(&conds[i]) == 0);
        MUST(pthread_mutex_unlock(&mutex) == 0);
    }
    for (int i = 0; i < COUNT; i++)
        finish(threads[i]);
    say("timeouts %d, signals %d, wrong %d", timeouts, signals, late);
    return 0;
}
