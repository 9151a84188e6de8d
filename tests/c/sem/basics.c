// Counting, refusing, timing out: every way to wait on a semaphore, with every wrong argument.
#include "oracle.h"

static sem_t semaphore;

static int value(void)
{
    int now = -1;
    MUST(sem_getvalue(&semaphore, &now) == 0);
    return now;
}

static void timed(void)
{
    struct timespec past = {.tv_sec = 1}, wrong = {.tv_nsec = 1000000000}, negative = {.tv_nsec = -1};
    struct timespec soon = in_ms(CLOCK_REALTIME, 30);
    long long began = now_ns(CLOCK_MONOTONIC);
    say_call("timedwait", sem_timedwait(&semaphore, &soon));
    say_took("  that", began, 29);
    began = now_ns(CLOCK_MONOTONIC);
    soon = in_ms(CLOCK_MONOTONIC, 30);
    say_call("clockwait, monotonic", sem_clockwait(&semaphore, CLOCK_MONOTONIC, &soon));
    say_took("  that", began, 30);
    soon = in_ms(CLOCK_REALTIME, 30);
    say_call("clockwait, realtime", sem_clockwait(&semaphore, CLOCK_REALTIME, &soon));
    say_call("long past", sem_timedwait(&semaphore, &past));
    say_call("no such time", sem_timedwait(&semaphore, &wrong));
    say_call("negative nsec", sem_timedwait(&semaphore, &negative));
    say_call("no such clock", sem_clockwait(&semaphore, CLOCK_PROCESS_CPUTIME_ID, &soon));
    MUST(sem_post(&semaphore) == 0);
    say_call("available, long past", sem_timedwait(&semaphore, &past));
    MUST(sem_post(&semaphore) == 0);
    say_call("available, no such time", sem_timedwait(&semaphore, &wrong));
}

static void *post_later(void *unused)
{
    sleep_ms(20);
    MUST(sem_post(&semaphore) == 0);
    return unused;
}

int main(void)
{
    begin();
    say_call("init", sem_init(&semaphore, 0, 2));
    finish(start(return_it, NULL));
    say_call("wait", sem_wait(&semaphore));
    say_call("trywait", sem_trywait(&semaphore));
    say_call("trywait", sem_trywait(&semaphore));
    say("value %d", value());
    timed();
    say("value %d", value());
    pthread_t thread = start(post_later, NULL);
    struct timespec later = in_ms(CLOCK_REALTIME, 10000);
    say_call("timedwait, posted", sem_timedwait(&semaphore, &later));
    finish(thread);
    say_call("destroy", sem_destroy(&semaphore));
    say_call("too large a value", sem_init(&semaphore, 0, (unsigned)SEM_VALUE_MAX + 1));
    say_call("the largest", sem_init(&semaphore, 0, SEM_VALUE_MAX));
    say_call("post beyond it", sem_post(&semaphore));
    return 0;
}
