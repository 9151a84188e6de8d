// A signal frees one waiter, a broadcast all, and one with nobody waiting is lost.
#include "oracle.h"

enum { THREADS = 10 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_cond_t progress = PTHREAD_COND_INITIALIZER;
static int waiting, tickets, served;

static void *waiter(void *unused)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    waiting++;
    MUST(pthread_cond_signal(&progress) == 0);
    while (tickets == 0)
        MUST(pthread_cond_wait(&cond, &mutex) == 0);
    tickets--;
    served++;
    MUST(pthread_cond_signal(&progress) == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

static void until(int *value, int least)
{
    while (*value < least)
        MUST(pthread_cond_wait(&progress, &mutex) == 0);
}

int main(void)
{
    begin();
    pthread_t threads[THREADS];
    struct timespec soon;
    say_error("signal nobody", pthread_cond_signal(&cond));
    say_error("broadcast to nobody", pthread_cond_broadcast(&cond));
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(waiter, NULL);
    MUST(pthread_mutex_lock(&mutex) == 0);
    until(&waiting, THREADS);
    for (int i = 1; i <= 3; i++) {
        tickets++;
        MUST(pthread_cond_signal(&cond) == 0);
        until(&served, i);
        say("served %d, tickets %d", served, tickets);
    }
    tickets = THREADS - 3;
    MUST(pthread_cond_broadcast(&cond) == 0);
    until(&served, THREADS);
    say("served %d, tickets %d", served, tickets);
    soon = in_ms(CLOCK_REALTIME, 20);
    say_error("the earlier signals are lost", pthread_cond_timedwait(&cond, &mutex, &soon));
    MUST(pthread_mutex_unlock(&mutex) == 0);
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    say_error("destroy", pthread_cond_destroy(&cond));
    return 0;
}
