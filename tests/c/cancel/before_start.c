// A request that comes as early as can be, or too late: at once after creation, for a finished thread, for a detached one.
#include "oracle.h"

static sem_t arrived, never;

static void *reach_a_point(void *unused)
{
    for (;;)
        pthread_testcancel();
    return unused;
}

static void *wait_for_ever(void *unused)
{
    MUST(sem_wait(&never) == 0);
    return unused;
}

static void *no_points(void *value)
{
    return value;
}

static void tell(void *unused)
{
    (void)unused;
    MUST(sem_post(&arrived) == 0);
}

static void *detached(void *unused)
{
    pthread_cleanup_push(tell, NULL);
    MUST(sem_post(&arrived) == 0);
    sleep(100);
    pthread_cleanup_pop(0);
    return unused;
}

int main(void)
{
    begin();
    int cancelled = 0, returned = 0;
    MUST(sem_init(&arrived, 0, 0) == 0 && sem_init(&never, 0, 0) == 0);
    for (int i = 0; i < 100; i++) {
        pthread_t thread = start(i % 2 ? reach_a_point : wait_for_ever, NULL);
        MUST(pthread_cancel(thread) == 0);
        cancelled += finish(thread) == PTHREAD_CANCELED;
    }
    say("at once: %d of 100 cancelled", cancelled);
    for (int i = 0; i < 20; i++) {
        pthread_t thread = start(no_points, (void *)5);
        sleep_ms(1);
        int error = pthread_cancel(thread);
        MUST(error == 0);
        returned += finish(thread) == (void *)5;
    }
    say("too late: %d of 20 returned", returned);
    for (int i = 0; i < 20; i++) {
        pthread_t thread = start(detached, NULL);
        MUST(pthread_detach(thread) == 0);
        MUST(sem_wait(&arrived) == 0);
        MUST(pthread_cancel(thread) == 0);
        MUST(sem_wait(&arrived) == 0);
    }
    say("detached: all cleaned up");
    return 0;
}
