// Locks that know their owner, held while the thread gets a kernel thread of its own: still its own.
#include "oracle.h"

#include <sys/resource.h>

static pthread_mutex_t recursive, checking, robust;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t changed, looked;
static pthread_t victim;

static void make(pthread_mutex_t *mutex, int kind)
{
    pthread_mutexattr_t attributes;
    MUST(pthread_mutexattr_init(&attributes) == 0 && pthread_mutexattr_settype(&attributes, kind) == 0);
    MUST(pthread_mutex_init(mutex, &attributes) == 0);
}

static void *others(void *unused)
{
    struct timespec soon = in_ms(CLOCK_REALTIME, 20);
    say_error("another: recursive", pthread_mutex_trylock(&recursive));
    say_error("another: checking", pthread_mutex_timedlock(&checking, &soon));
    say_error("another: unlock", pthread_mutex_unlock(&checking));
    say_error("another: rwlock", pthread_rwlock_tryrdlock(&rwlock));
    return unused;
}

static void *holder(void *from_outside)
{
    MUST(pthread_mutex_lock(&recursive) == 0 && pthread_mutex_lock(&recursive) == 0);
    MUST(pthread_mutex_lock(&checking) == 0);
    MUST(pthread_rwlock_wrlock(&rwlock) == 0);
    if (from_outside) {
        MUST(sem_post(&changed) == 0);
        MUST(sem_wait(&looked) == 0);
    } else {
        MUST(setpriority(PRIO_PROCESS, 0, 2) == 0);
    }
    // The kernel looks at the owner of this one.
    MUST(pthread_mutex_lock(&robust) == 0);
    finish(start(others, NULL));
    struct timespec soon = in_ms(CLOCK_REALTIME, 20);
    say_error("lock again, recursive", pthread_mutex_lock(&recursive));
    say_error("try again, recursive", pthread_mutex_trylock(&recursive));
    say_error("lock again, checking", pthread_mutex_lock(&checking));
    say_error("try again, checking", pthread_mutex_trylock(&checking));
    say_error("timed again, checking", pthread_mutex_timedlock(&checking, &soon));
    say_error("write again", pthread_rwlock_wrlock(&rwlock));
    say_error("read", pthread_rwlock_rdlock(&rwlock));
    say_error("unlock", pthread_mutex_unlock(&recursive));
    say_error("unlock", pthread_mutex_unlock(&recursive));
    say_error("unlock", pthread_mutex_unlock(&recursive));
    say_error("wait with checking", pthread_cond_timedwait(&cond, &checking, &soon));
    say_error("unlock checking", pthread_mutex_unlock(&checking));
    say_error("unlock checking twice", pthread_mutex_unlock(&checking));
    say_error("last unlock", pthread_mutex_unlock(&recursive));
    MUST(pthread_mutex_unlock(&robust) == 0);
    say_error("one too many", pthread_mutex_unlock(&recursive));
    say_error("unlock rwlock", pthread_rwlock_unlock(&rwlock));
    say_error("lock anew", pthread_mutex_lock(&recursive));
    say_error("unlock", pthread_mutex_unlock(&recursive));
    return NULL;
}

static void *after(void *unused)
{
    say_error("after it: recursive", pthread_mutex_trylock(&recursive));
    say_error("after it: checking", pthread_mutex_trylock(&checking));
    say_error("after it: rwlock", pthread_rwlock_trywrlock(&rwlock));
    MUST(pthread_mutex_unlock(&recursive) == 0 && pthread_mutex_unlock(&checking) == 0);
    MUST(pthread_rwlock_unlock(&rwlock) == 0);
    return unused;
}

int main(void)
{
    begin();
    make(&recursive, PTHREAD_MUTEX_RECURSIVE);
    make(&checking, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutexattr_t attributes;
    MUST(pthread_mutexattr_init(&attributes) == 0);
    MUST(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
    MUST(pthread_mutex_init(&robust, &attributes) == 0);
    MUST(sem_init(&changed, 0, 0) == 0 && sem_init(&looked, 0, 0) == 0);
    say("by itself:");
    finish(start(holder, NULL));
    finish(start(after, NULL));
    say("by another:");
    victim = start(holder, &changed);
    MUST(sem_wait(&changed) == 0);
    MUST(pthread_setschedparam(victim, SCHED_BATCH, &(struct sched_param){0}) == 0);
    MUST(sem_post(&looked) == 0);
    finish(victim);
    finish(start(after, NULL));
    return 0;
}
