// A thread that may be cancelled anywhere ends also in what is no cancellation point: waiting for a lock, and in a loop of calls
// that do not wait. In a condition it has the mutex when it ends.
#include "oracle.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t ready;

static void cleaned_up(void *what)
{
    say("%s: cleanup", (const char *)what);
}

static void unlock_own(void *unused)
{
    (void)unused;
    say_error("unlock", pthread_mutex_unlock(&own));
}

static void be_anywhere(void)
{
    MUST(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL) == 0);
    MUST(sem_post(&ready) == 0);
}

#define BODY(name, call)                                                                                              \
    static void *name(void *unused)                                                                                   \
    {                                                                                                                 \
        pthread_cleanup_push(cleaned_up, #name);                                                                      \
        be_anywhere();                                                                                                \
        call;                                                                                                         \
        say(#name ": came back");                                                                                     \
        pthread_cleanup_pop(0);                                                                                       \
        return unused;                                                                                                \
    }

BODY(in_mutex, pthread_mutex_lock(&mutex))
BODY(in_rdlock, pthread_rwlock_rdlock(&rwlock))
BODY(in_wrlock, pthread_rwlock_wrlock(&rwlock))
BODY(in_barrier, pthread_barrier_wait(&barrier))
BODY(in_once, pthread_once(&once, settle))
BODY(in_trylocks, while (pthread_mutex_trylock(&mutex) == EBUSY))
BODY(in_clock, for (struct timespec now;;) clock_gettime(CLOCK_MONOTONIC, &now))

static void *in_condition(void *unused)
{
    MUST(pthread_mutex_lock(&own) == 0);
    pthread_cleanup_push(unlock_own, NULL);
    be_anywhere();
    for (;;)
        pthread_cond_wait(&cond, &own);
    pthread_cleanup_pop(0);
    return unused;
}

static void *in_itself(void *unused)
{
    pthread_cleanup_push(cleaned_up, "in_itself");
    be_anywhere();
    pthread_cancel(pthread_self());
    say("in_itself: came back");
    pthread_cleanup_pop(0);
    return unused;
}

static void try(const char *what, void *(*body)(void *), bool waits)
{
    pthread_t thread = start(body, NULL);
    MUST(sem_wait(&ready) == 0);
    if (waits)
        settle();
    int status = body == in_itself ? 0 : pthread_cancel(thread);
    void *value = finish(thread);
    say("%s: %s, cancelled %d", what, strerrorname_np(status), value == PTHREAD_CANCELED);
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void initialise(void)
{
    MUST(sem_post(&ready) == 0);
    MUST(pthread_mutex_lock(&held) == 0);
    MUST(pthread_mutex_unlock(&held) == 0);
}

static void *begin_once(void *unused)
{
    MUST(pthread_once(&once, initialise) == 0);
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&ready, 0, 0) == 0);
    MUST(pthread_barrier_init(&barrier, NULL, 2) == 0);
    MUST(pthread_mutex_lock(&mutex) == 0);
    MUST(pthread_mutex_lock(&held) == 0);
    MUST(pthread_rwlock_wrlock(&rwlock) == 0);
    pthread_t initialiser = start(begin_once, NULL);
    MUST(sem_wait(&ready) == 0);
    for (int waits = 1; waits >= 0; waits--) {
        try("mutex", in_mutex, waits);
        try("read lock", in_rdlock, waits);
        try("write lock", in_wrlock, waits);
        try("once", in_once, waits);
        try("condition", in_condition, waits);
        try("trylock", in_trylocks, waits);
        try("clock", in_clock, waits);
    }
    try("barrier", in_barrier, true);
    try("itself", in_itself, false);
    MUST(pthread_mutex_unlock(&held) == 0);
    finish(initialiser);
}
