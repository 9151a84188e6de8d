// Joins that are refused, that wait, and that time out. Two joiners of one thread and two threads that join each other
// are not here: glibc 2.36 detects neither, its compare-and-exchange being the wrong way round.
#include "oracle.h"

static sem_t go, detached_go;

static void *wait_for_go(void *value)
{
    MUST(sem_wait(&go) == 0);
    return value;
}

static void *wait_detached(void *unused)
{
    MUST(sem_wait(&detached_go) == 0);
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&go, 0, 0) == 0 && sem_init(&detached_go, 0, 0) == 0);
    say_error("join myself", pthread_join(pthread_self(), NULL));

    pthread_t thread = start(wait_detached, NULL);
    say_error("detach", pthread_detach(thread));
    say_error("detach again", pthread_detach(thread));
    say_error("join a detached thread", pthread_join(thread, NULL));
    say_error("tryjoin a detached thread", pthread_tryjoin_np(thread, NULL));
    MUST(sem_post(&detached_go) == 0);

    thread = start(wait_for_go, (void *)21);
    void *value = NULL;
    struct timespec when = in_ms(CLOCK_REALTIME, 30);
    struct timespec monotonic = in_ms(CLOCK_MONOTONIC, 30), past = {.tv_sec = 1};
    say_error("tryjoin a running thread", pthread_tryjoin_np(thread, &value));
    say_error("timedjoin", pthread_timedjoin_np(thread, &value, &when));
    say_error("timedjoin, long past", pthread_timedjoin_np(thread, &value, &past));
    say_error("clockjoin", pthread_clockjoin_np(thread, &value, CLOCK_MONOTONIC, &monotonic));
    say_error("clockjoin, no such clock", pthread_clockjoin_np(thread, &value, CLOCK_PROCESS_CPUTIME_ID, &monotonic));
    MUST(sem_post(&go) == 0);
    when = in_ms(CLOCK_REALTIME, 5000);
    say_error("timedjoin a thread that ends", pthread_timedjoin_np(thread, &value, &when));
    say("its value: %ld", (long)(intptr_t)value);

    thread = start(wait_for_go, (void *)23);
    MUST(sem_post(&go) == 0);
    int error;
    while ((error = pthread_tryjoin_np(thread, &value)) == EBUSY)
        sched_yield();
    say_error("tryjoin in the end", error);
    say("its value: %ld", (long)(intptr_t)value);

    return 0;
}
