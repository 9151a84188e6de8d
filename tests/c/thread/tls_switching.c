// __thread variables and errno stay with their thread through every kind of wait, however often it moves.
#include "oracle.h"

enum { THREADS = 40, ROUNDS = 50 };

static __thread int mine;
static __thread int *where;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t semaphore;
static int wrong;

static void check(int number)
{
    if (mine != number || where != &mine || errno != number)
        __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
}

static void *body(void *argument)
{
    int number = (int)(intptr_t)argument;
    mine = number;
    where = &mine;
    for (int i = 0; i < ROUNDS; i++) {
        errno = number;
        sched_yield();
        check(number);
        pthread_mutex_lock(&mutex);
        check(number);
        if (i % 10 == 0)
            usleep(100);
        errno = number;
        pthread_mutex_unlock(&mutex);
        check(number);
        sem_wait(&semaphore);
        check(number);
        sched_yield();
        sem_post(&semaphore);
        check(number);
    }
    return NULL;
}

int main(void)
{
    begin();
    pthread_t threads[THREADS];
    MUST(sem_init(&semaphore, 0, 3) == 0);
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = start(body, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    say("wrong: %d", wrong);
    return 0;
}
