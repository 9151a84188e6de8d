// C11 threads: creation, results, identity, leaving early, sleeping, detaching.
#include "oracle.h"

#include <threads.h>

static sem_t done;

static int give(void *value)
{
    thrd_yield();
    return (int)(intptr_t)value;
}

static int leave(void *value)
{
    thrd_exit((int)(intptr_t)value + 1);
}

static int same(void *unused)
{
    (void)unused;
    return thrd_equal(thrd_current(), thrd_current()) != 0;
}

static int tell(void *unused)
{
    (void)unused;
    MUST(sem_post(&done) == 0);
    return 0;
}

int main(void)
{
    begin();
    thrd_t threads[20];
    int result;
    MUST(sem_init(&done, 0, 0) == 0);
    for (intptr_t i = 0; i < 20; i++)
        MUST(thrd_create(&threads[i], i % 2 ? leave : give, (void *)(i - 5)) == thrd_success);
    for (int i = 0; i < 20; i++) {
        MUST(thrd_join(threads[i], &result) == thrd_success);
        say("thread %d: %d", i, result);
    }
    MUST(thrd_create(&threads[0], same, NULL) == thrd_success);
    MUST(thrd_join(threads[0], &result) == thrd_success);
    say("equal to itself: %d", result);
    MUST(thrd_create(&threads[0], tell, NULL) == thrd_success);
    say("detach: %d", thrd_detach(threads[0]));
    MUST(sem_wait(&done) == 0);
    MUST(thrd_create(&threads[0], give, NULL) == thrd_success);
    say("join without result: %d", thrd_join(threads[0], NULL));

    struct timespec span = span_ms(20), left = {0}, wrong = {.tv_nsec = 1000000000};
    long long began = now_ns(CLOCK_MONOTONIC);
    say("sleep: %d", thrd_sleep(&span, &left));
    say_took("  that", began, 20);
    say("no such span: %d", thrd_sleep(&wrong, NULL));
    say("join myself: %d", thrd_join(thrd_current(), NULL));
    return 0;
}
