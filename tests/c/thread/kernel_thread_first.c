// The first thread that a program makes asks for an affinity, and so is a kernel thread. It waits as the others do, who wake it.
#include "oracle.h"
#include <sched.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static int turn;

static void *wait_for_turns(void *unused)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    for (int i = 0; i < 3; i++) {
        while (turn != 2 * i + 1)
            MUST(pthread_cond_wait(&cond, &mutex) == 0);
        turn++;
        MUST(pthread_cond_broadcast(&cond) == 0);
    }
    MUST(pthread_mutex_unlock(&mutex) == 0);
    pthread_barrier_wait(&barrier);
    return unused;
}

static void *give_turns(void *unused)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    for (int i = 0; i < 3; i++) {
        turn++;
        MUST(pthread_cond_signal(&cond) == 0);
        while (turn != 2 * i + 2)
            MUST(pthread_cond_wait(&cond, &mutex) == 0);
    }
    MUST(pthread_mutex_unlock(&mutex) == 0);
    pthread_barrier_wait(&barrier);
    return unused;
}

int main(void)
{
    begin();
    MUST(pthread_barrier_init(&barrier, NULL, 2) == 0);
    cpu_set_t cpus;
    MUST(sched_getaffinity(0, sizeof cpus, &cpus) == 0);
    pthread_attr_t attr;
    MUST(pthread_attr_init(&attr) == 0);
    MUST(pthread_attr_setaffinity_np(&attr, sizeof cpus, &cpus) == 0);
    pthread_t first;
    MUST(pthread_create(&first, &attr, wait_for_turns, NULL) == 0);
    settle();
    pthread_t second = start(give_turns, NULL);
    finish(second);
    finish(first);
    say("turns: %d", turn);
}
