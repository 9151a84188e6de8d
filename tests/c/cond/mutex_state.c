// What a wait does with its mutex: released while waiting, owned again afterwards, also after a timeout; refused when
// it is not the caller's; recursive ones; and a condition destroyed right after its broadcast.
#include "oracle.h"

static pthread_mutex_t checked = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t waiting;
static bool done;

static void *other(void *mutex)
{
    MUST(sem_wait(&waiting) == 0);
    MUST(pthread_mutex_lock(mutex) == 0);
    say("another has the mutex meanwhile");
    done = true;
    MUST(pthread_cond_signal(&cond) == 0);
    say_error("owned while signalling", pthread_mutex_lock(mutex) == EDEADLK ? EDEADLK : pthread_mutex_unlock(mutex));
    MUST(pthread_mutex_unlock(mutex) == 0);
    return NULL;
}

static void wait_with(const char *name, pthread_mutex_t *mutex)
{
    struct timespec soon = in_ms(CLOCK_REALTIME, 20);
    say("%s:", name);
    done = false;
    pthread_t thread = start(other, mutex);
    MUST(pthread_mutex_lock(mutex) == 0);
    MUST(sem_post(&waiting) == 0);
    while (!done)
        MUST(pthread_cond_wait(&cond, mutex) == 0);
    int error = pthread_mutex_lock(mutex);
    say_error("locked by me afterwards", error);
    if (error == 0)
        MUST(pthread_mutex_unlock(mutex) == 0);
    say_error("timedwait", pthread_cond_timedwait(&cond, mutex, &soon));
    say_error("unlock", pthread_mutex_unlock(mutex));
    finish(thread);
}

struct brief {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int waiting;
    bool go;
};

static void *brief_waiter(void *argument)
{
    struct brief *brief = argument;
    MUST(pthread_mutex_lock(&brief->mutex) == 0);
    brief->waiting++;
    while (!brief->go)
        MUST(pthread_cond_wait(&brief->cond, &brief->mutex) == 0);
    MUST(pthread_mutex_unlock(&brief->mutex) == 0);
    return NULL;
}

static void destroyed_after_broadcast(void)
{
    pthread_t threads[5];
    for (int round = 0; round < 20; round++) {
        struct brief *brief = calloc(1, sizeof *brief);
        MUST(brief && pthread_mutex_init(&brief->mutex, NULL) == 0 && pthread_cond_init(&brief->cond, NULL) == 0);
        for (int i = 0; i < 5; i++)
            threads[i] = start(brief_waiter, brief);
        MUST(pthread_mutex_lock(&brief->mutex) == 0);
        while (brief->waiting < 5) {
            MUST(pthread_mutex_unlock(&brief->mutex) == 0);
            sched_yield();
            MUST(pthread_mutex_lock(&brief->mutex) == 0);
        }
        brief->go = true;
        MUST(pthread_cond_broadcast(&brief->cond) == 0);
        MUST(pthread_mutex_unlock(&brief->mutex) == 0);
        MUST(pthread_cond_destroy(&brief->cond) == 0);
        memset(&brief->cond, 0xff, sizeof brief->cond);
        for (int i = 0; i < 5; i++)
            finish(threads[i]);
        free(brief);
    }
    say("destroyed after the broadcast: 20 rounds");
}

int main(void)
{
    begin();
    struct timespec soon = in_ms(CLOCK_REALTIME, 20);
    MUST(sem_init(&waiting, 0, 0) == 0);
    wait_with("error-checking", &checked);
    wait_with("recursive", &recursive);
    say_error("wait without the mutex", pthread_cond_wait(&cond, &checked));
    say_error("timedwait without it", pthread_cond_timedwait(&cond, &checked, &soon));
    destroyed_after_broadcast();
    return 0;
}
