// Locks, conditions, and joins are never ended by a signal: the handler runs and the wait goes on.
#include "oracle.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t hold;
static volatile sig_atomic_t handled;
static bool go;

static void handler(int unused)
{
    (void)unused;
    __atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
}

static void *locker(void *unused)
{
    say_error("lock", pthread_mutex_lock(&mutex));
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

static void *waiter(void *unused)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    while (!go)
        MUST(pthread_cond_wait(&cond, &mutex) == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    say("condition wait: gone on");
    return unused;
}

static void *reader(void *unused)
{
    say_error("rdlock", pthread_rwlock_rdlock(&rwlock));
    MUST(pthread_rwlock_unlock(&rwlock) == 0);
    return unused;
}

static void *meeter(void *unused)
{
    int result = pthread_barrier_wait(&barrier);
    say("barrier: %d", result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
    return unused;
}

static void *held(void *unused)
{
    while (sem_wait(&hold) == -1)
        MUST(errno == EINTR);
    return unused;
}

static void *joiner(void *thread)
{
    say_error("join", pthread_join(*(pthread_t *)thread, NULL));
    return NULL;
}

static void signal_thrice(pthread_t thread)
{
    int before = handled;
    while (handled < before + 3) {
        MUST(pthread_kill(thread, SIGUSR1) == 0);
        sleep_ms(3);
    }
}

int main(void)
{
    begin();
    handle(SIGUSR1, handler, 0);
    MUST(sem_init(&hold, 0, 0) == 0 && pthread_barrier_init(&barrier, NULL, 2) == 0);
    MUST(pthread_mutex_lock(&mutex) == 0);
    pthread_t thread = start(locker, NULL);
    signal_thrice(thread);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    finish(thread);
    thread = start(waiter, NULL);
    signal_thrice(thread);
    MUST(pthread_mutex_lock(&mutex) == 0);
    go = true;
    MUST(pthread_cond_signal(&cond) == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    finish(thread);
    MUST(pthread_rwlock_wrlock(&rwlock) == 0);
    thread = start(reader, NULL);
    signal_thrice(thread);
    MUST(pthread_rwlock_unlock(&rwlock) == 0);
    finish(thread);
    thread = start(meeter, NULL);
    signal_thrice(thread);
    pthread_barrier_wait(&barrier);
    finish(thread);
    pthread_t joined = start(held, NULL);
    thread = start(joiner, &joined);
    signal_thrice(thread);
    MUST(sem_post(&hold) == 0);
    finish(thread);
    return 0;
}
