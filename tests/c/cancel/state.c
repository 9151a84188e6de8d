// Disabled, enabled, asynchronous: when a request is acted upon, and what the calls tell.
#include "oracle.h"

static sem_t arrived, cancelled;

static void clean(void *what)
{
    say("cleanup: %s", (char *)what);
}

static void *disabled_first(void *unused)
{
    int old, ends[2];
    char byte;
    say_error("disable", pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old));
    say("it was enabled: %d", old == PTHREAD_CANCEL_ENABLE);
    MUST(pipe(ends) == 0);
    pthread_cleanup_push(clean, "disabled first");
    MUST(sem_post(&arrived) == 0);
    MUST(sem_wait(&cancelled) == 0);
    pthread_testcancel();
    sleep_ms(10);
    MUST(write(ends[1], "x", 1) == 1);
    MUST(read(ends[0], &byte, 1) == 1);
    say("waited while a request was pending");
    say_error("enable", pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old));
    say("enabling alone does nothing");
    pthread_testcancel();
    say("never");
    pthread_cleanup_pop(0);
    return unused;
}

static void *ready_data(void *unused)
{
    int ends[2];
    char byte = 0;
    MUST(pipe(ends) == 0);
    MUST(write(ends[1], "x", 1) == 1);
    pthread_cleanup_push(clean, "pending when a read has its data already");
    MUST(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL) == 0);
    MUST(sem_post(&arrived) == 0);
    MUST(sem_wait(&cancelled) == 0);
    MUST(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL) == 0);
    MUST(read(ends[0], &byte, 1) == 1);
    say("never: %c", byte);
    pthread_cleanup_pop(0);
    return unused;
}

static void *asynchronous(void *unused)
{
    int old;
    say_error("asynchronous", pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old));
    say("it was deferred: %d", old == PTHREAD_CANCEL_DEFERRED);
    pthread_cleanup_push(clean, "asynchronous, blocked in a semaphore");
    MUST(sem_post(&arrived) == 0);
    sem_wait(&cancelled);
    say("never");
    pthread_cleanup_pop(0);
    return unused;
}

static void *asynchronous_later(void *unused)
{
    pthread_cleanup_push(clean, "asynchronous with a request pending");
    MUST(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL) == 0);
    MUST(sem_post(&arrived) == 0);
    MUST(sem_wait(&cancelled) == 0);
    MUST(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL) == 0);
    say("still disabled");
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    say("never");
    pthread_cleanup_pop(0);
    return unused;
}

static void *myself(void *unused)
{
    pthread_cleanup_push(clean, "by itself");
    say_error("cancel myself", pthread_cancel(pthread_self()));
    say("still here");
    pthread_testcancel();
    say("never");
    pthread_cleanup_pop(0);
    return unused;
}

static void *no_point(void *unused)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    MUST(pthread_cancel(pthread_self()) == 0);
    for (int i = 0; i < 10; i++) {
        MUST(pthread_mutex_lock(&mutex) == 0);
        sched_yield();
        MUST(pthread_mutex_unlock(&mutex) == 0);
    }
    say("locking and yielding are no cancellation points");
    return unused;
}

static void run(void *(*body)(void *), bool from_outside)
{
    pthread_t thread = start(body, NULL);
    if (from_outside) {
        MUST(sem_wait(&arrived) == 0);
        sleep_ms(10);
        MUST(pthread_cancel(thread) == 0);
        if (body != asynchronous)
            MUST(sem_post(&cancelled) == 0);
    }
    say("cancelled: %d", finish(thread) == PTHREAD_CANCELED);
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0 && sem_init(&cancelled, 0, 0) == 0);
    run(disabled_first, true);
    run(ready_data, true);
    run(asynchronous, true);
    run(asynchronous_later, true);
    run(myself, false);
    run(no_point, false);
    say_error("no such state", pthread_setcancelstate(77, NULL));
    say_error("no such type", pthread_setcanceltype(77, NULL));
    // The next thread on the same stack begins enabled and deferred, with nothing pending.
    run(return_it, false);
    return 0;
}
