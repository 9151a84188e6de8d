// What a vfork child unlocks, posts or signals in the memory that it shares wakes threads of its parent.
#include "oracle.h"

static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, guard = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static bool told;
static int woken;

static void count(void)
{
    __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
}

static void *wait_for_semaphore(void *unused)
{
    MUST(sem_wait(&semaphore) == 0);
    count();
    return unused;
}

static void *wait_for_mutex(void *unused)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    count();
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

static void *wait_for_lock(void *unused)
{
    MUST(pthread_rwlock_rdlock(&rwlock) == 0);
    count();
    MUST(pthread_rwlock_unlock(&rwlock) == 0);
    return unused;
}

static void *wait_for_condition(void *unused)
{
    MUST(pthread_mutex_lock(&guard) == 0);
    while (!told)
        MUST(pthread_cond_wait(&cond, &guard) == 0);
    MUST(pthread_mutex_unlock(&guard) == 0);
    count();
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&semaphore, 0, 0) == 0);
    MUST(pthread_mutex_lock(&mutex) == 0 && pthread_rwlock_wrlock(&rwlock) == 0);
    pthread_t threads[] = {start(wait_for_semaphore, NULL), start(wait_for_mutex, NULL), start(wait_for_lock, NULL),
                           start(wait_for_condition, NULL)};
    settle();
    volatile int seen = 0;
    pid_t child = vfork();
    if (child == 0) {
        sem_post(&semaphore);
        pthread_mutex_unlock(&mutex);
        pthread_rwlock_unlock(&rwlock);
        pthread_mutex_lock(&guard);
        told = true;
        pthread_cond_broadcast(&cond);
        pthread_mutex_unlock(&guard);
        for (int i = 0; i < 500 && (seen = __atomic_load_n(&woken, __ATOMIC_SEQ_CST)) < 4; i++)
            usleep(10000);
        _exit(0);
    }
    say("woken while the child ran: %d", seen);
    say_child("child", child);
    for (int i = 0; i < 4; i++)
        finish(threads[i]);
    say("all finished");
    return 0;
}
