// Cancelled in a condition wait: the mutex is owned again in the cleanup handler, and no other waiter loses a signal.
#include "oracle.h"

static pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int waiting, tickets;

static void clean(void *what)
{
    say_error("owned in the handler", pthread_mutex_trylock(&mutex) == EBUSY ? pthread_mutex_lock(&mutex) : 0);
    waiting--;
    say_error((char *)what, pthread_mutex_unlock(&mutex));
}

static void *waiter(void *timed)
{
    struct timespec when = in_ms(CLOCK_REALTIME, 100000);
    MUST(pthread_mutex_lock(&mutex) == 0);
    waiting++;
    pthread_cleanup_push(clean, timed ? "unlock after timedwait" : "unlock after wait");
    while (tickets == 0)
        MUST((timed ? pthread_cond_timedwait(&cond, &mutex, &when) : pthread_cond_wait(&cond, &mutex)) == 0);
    tickets--;
    pthread_cleanup_pop(0);
    waiting--;
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return NULL;
}

static void until_waiting(int many)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    while (waiting < many) {
        MUST(pthread_mutex_unlock(&mutex) == 0);
        sched_yield();
        MUST(pthread_mutex_lock(&mutex) == 0);
    }
    MUST(pthread_mutex_unlock(&mutex) == 0);
}

int main(void)
{
    begin();
    for (intptr_t timed = 0; timed < 2; timed++) {
        pthread_t thread = start(waiter, (void *)timed);
        until_waiting(1);
        MUST(pthread_cancel(thread) == 0);
        say("cancelled: %d", finish(thread) == PTHREAD_CANCELED);
    }

    // While somebody holds the mutex, the cancelled thread waits for it like any other.
    pthread_t thread = start(waiter, NULL);
    until_waiting(1);
    MUST(pthread_mutex_lock(&mutex) == 0);
    MUST(pthread_cancel(thread) == 0);
    settle();
    say_error("not finished while I hold the mutex", pthread_tryjoin_np(thread, NULL));
    MUST(pthread_mutex_unlock(&mutex) == 0);
    say("cancelled: %d", finish(thread) == PTHREAD_CANCELED);

    // Two wait, one is cancelled, one ticket: the other gets it.
    pthread_t first = start(waiter, NULL);
    until_waiting(1);
    pthread_t second = start(waiter, NULL);
    until_waiting(2);
    MUST(pthread_cancel(first) == 0);
    MUST(finish(first) == PTHREAD_CANCELED);
    MUST(pthread_mutex_lock(&mutex) == 0);
    tickets = 1;
    MUST(pthread_cond_signal(&cond) == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    say("the other got the signal: %d", finish(second) == NULL);
    say("waiting %d, tickets %d", waiting, tickets);
    return 0;
}
