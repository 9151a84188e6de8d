// Cancelling a thread that is a kernel thread from the start (it was made with an affinity) while it waits in a condition, a
// semaphore or a join, deferred and asynchronous, beside threads that are not.
#include "../oracle.h"
#include <sched.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t never, ready, go;
static pthread_t endless;

static void unlock(void *unused)
{
    (void)unused;
    say("cleanup: %s", error_name(pthread_mutex_unlock(&mutex))); // it is held again
}

static void by_cond(void)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    pthread_cleanup_push(unlock, NULL);
    for (;;)
        pthread_cond_wait(&cond, &mutex);
    pthread_cleanup_pop(1);
}

static void by_cond_until(void)
{
    struct timespec when = in_ms(CLOCK_REALTIME, 100000);
    MUST(pthread_mutex_lock(&mutex) == 0);
    pthread_cleanup_push(unlock, NULL);
    for (;;)
        pthread_cond_timedwait(&cond, &mutex, &when);
    pthread_cleanup_pop(1);
}

static void by_sem(void)
{
    say_call("never", sem_wait(&never));
}

static void by_sem_until(void)
{
    struct timespec when = in_ms(CLOCK_REALTIME, 100000);
    say_call("never", sem_timedwait(&never, &when));
}

static void by_join(void)
{
    say_error("never", pthread_join(endless, NULL));
}

static void by_asynchronous_sem(void)
{
    MUST(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL) == 0);
    say_call("never", sem_wait(&never));
}

static const struct {
    const char *name;
    void (*wait)(void);
} waits[] = {
    {"cond_wait", by_cond},         {"cond_timedwait", by_cond_until}, {"sem_wait", by_sem},
    {"sem_timedwait", by_sem_until}, {"join", by_join},                 {"sem_wait, asynchronous", by_asynchronous_sem},
};

static void *body(void *which)
{
    MUST(sem_post(&ready) == 0);
    waits[(intptr_t)which].wait();
    return NULL;
}

static void *disabled_first(void *unused)
{
    (void)unused;
    MUST(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL) == 0);
    MUST(sem_post(&ready) == 0);
    MUST(sem_wait(&go) == 0);
    say("not while it is disabled");
    MUST(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL) == 0);
    say_call("never", sem_wait(&never));
    return NULL;
}

static void *cancels_itself(void *unused)
{
    (void)unused;
    MUST(pthread_cancel(pthread_self()) == 0);
    say_call("never", sem_wait(&never));
    return NULL;
}

static void *wait_for_ever(void *unused)
{
    pause();
    return unused;
}

static void *canceller(void *thread)
{
    return (void *)(intptr_t)pthread_cancel(*(pthread_t *)thread);
}

int main(void)
{
    begin();
    MUST(sem_init(&never, 0, 0) == 0 && sem_init(&ready, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);
    endless = start(wait_for_ever, NULL);
    for (int settled = 1; settled >= 0; settled--)
        for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
            pthread_t thread = start_foreign(body, (void *)i);
            MUST(sem_wait(&ready) == 0);
            if (settled)
                settle();
            int error = settled ? pthread_cancel(thread) : (int)(intptr_t)finish(start(canceller, &thread));
            bool cancelled = finish(thread) == PTHREAD_CANCELED;
            say("%s: %s, cancelled %d", waits[i].name, error_name(error), cancelled);
        }
    pthread_t thread = start_foreign(disabled_first, NULL);
    MUST(sem_wait(&ready) == 0);
    say_error("cancel", pthread_cancel(thread));
    settle();
    MUST(sem_post(&go) == 0);
    say("disabled first: cancelled %d", finish(thread) == PTHREAD_CANCELED);
    say("itself: cancelled %d", finish(start_foreign(cancels_itself, NULL)) == PTHREAD_CANCELED);
    return 0;
}
