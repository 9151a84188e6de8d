// Asynchronous cancellation of a thread that only computes: it never calls anything, and still ends.
#include "oracle.h"

static sem_t arrived;
static volatile unsigned long counter;

static void clean(void *unused)
{
    (void)unused;
    say("cleanup");
}

static void *compute(void *unused)
{
    pthread_cleanup_push(clean, NULL);
    MUST(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL) == 0);
    MUST(sem_post(&arrived) == 0);
    for (;;)
        counter++;
    pthread_cleanup_pop(0);
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    pthread_t thread = start(compute, NULL);
    MUST(sem_wait(&arrived) == 0);
    while (counter == 0)
        sched_yield();
    MUST(pthread_cancel(thread) == 0);
    say("cancelled: %d", finish(thread) == PTHREAD_CANCELED);
    return 0;
}
