// Ownership is told by thread, also among threads that never ran in the kernel and on recycled ones: a recursive or
// error-checking mutex left locked by a dead thread is not taken for the newcomer's.
#include "oracle.h"

enum { THREADS = 30 };

static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t checked = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_mutex_t left_behind = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static int inside, most, refused;

static void *body(void *unused)
{
    for (int i = 0; i < 50; i++) {
        MUST(pthread_mutex_lock(&recursive) == 0);
        MUST(pthread_mutex_lock(&recursive) == 0);
        if (++inside > most)
            most = inside;
        if (i % 8 == 0)
            sched_yield();
        MUST(pthread_mutex_unlock(&recursive) == 0);
        inside--;
        MUST(pthread_mutex_unlock(&recursive) == 0);
        MUST(pthread_mutex_lock(&checked) == 0);
        refused += pthread_mutex_lock(&checked) == EDEADLK;
        sched_yield();
        MUST(pthread_mutex_unlock(&checked) == 0);
    }
    return unused;
}

static void *leave_locked(void *unused)
{
    MUST(pthread_mutex_lock(&left_behind) == 0);
    return unused;
}

static void *try_left_behind(void *unused)
{
    (void)unused;
    return (void *)(intptr_t)(pthread_mutex_unlock(&left_behind) * 1000 + pthread_mutex_trylock(&left_behind));
}

int main(void)
{
    begin();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(body, NULL);
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    say("most inside: %d, refused: %d", most, refused);
    finish(start(leave_locked, NULL));
    int right = 0;
    for (int i = 0; i < 20; i++)
        right += (intptr_t)finish(start(try_left_behind, NULL)) == EPERM * 1000 + EBUSY;
    say("not taken for theirs: %d of 20", right);
    return 0;
}
