// A thousand threads parked at once, let go together; then a thousand more, one after the other, on what they left.
#include "oracle.h"

enum { COUNT = 1000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static int waiting;
static bool open_now;

static void *park(void *number)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    if (++waiting == COUNT)
        MUST(pthread_cond_signal(&arrived) == 0);
    while (!open_now)
        MUST(pthread_cond_wait(&released, &mutex) == 0);
    waiting--;
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return number;
}

static void *pass(void *number)
{
    return number;
}

int main(void)
{
    begin();
    static pthread_t threads[COUNT];
    long sum = 0;
    for (intptr_t i = 0; i < COUNT; i++)
        threads[i] = start_small(park, (void *)i);
    MUST(pthread_mutex_lock(&mutex) == 0);
    while (waiting < COUNT)
        MUST(pthread_cond_wait(&arrived, &mutex) == 0);
    say("waiting: %d", waiting);
    open_now = true;
    MUST(pthread_cond_broadcast(&released) == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    for (int i = 0; i < COUNT; i++)
        sum += (intptr_t)finish(threads[i]);
    say("sum %ld, still waiting: %d", sum, waiting);
    for (intptr_t i = 0; i < COUNT; i++)
        sum -= (intptr_t)finish(start_small(pass, (void *)i));
    say("sum %ld", sum);
    return 0;
}
