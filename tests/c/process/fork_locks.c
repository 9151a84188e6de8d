// What the forking thread holds, the child holds: a plain mutex can be unlocked there. A recursive one cannot, because its owner
// is known by thread id and the child has another. Read-write locks are left out: glibc takes such an unlock for a reader's.
#include "oracle.h"

static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static bool ready;

static void *waiter(void *unused)
{
    MUST(pthread_mutex_lock(&plain) == 0);
    while (!ready)
        MUST(pthread_cond_wait(&cond, &plain) == 0);
    MUST(pthread_mutex_unlock(&plain) == 0);
    return unused;
}

static void *try_them(void *unused)
{
    say_error("trylock", pthread_mutex_trylock(&plain));
    return unused;
}

static int in_child(void)
{
    begin();
    finish(start(try_them, NULL));
    say_error("unlock", pthread_mutex_unlock(&plain));
    say_error("unlock the recursive", pthread_mutex_unlock(&recursive));
    finish(start(try_them, NULL));
    pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
    plain = fresh;
    const pthread_cond_t fresh_cond = PTHREAD_COND_INITIALIZER;
    cond = fresh_cond;
    ready = false;
    pthread_t thread = start(waiter, NULL);
    settle();
    MUST(pthread_mutex_lock(&plain) == 0);
    ready = true;
    MUST(pthread_cond_signal(&cond) == 0);
    MUST(pthread_mutex_unlock(&plain) == 0);
    finish(thread);
    say("a condition works");
    return 0;
}

int main(void)
{
    begin();
    pthread_t thread = start(waiter, NULL);
    settle();
    MUST(pthread_mutex_lock(&plain) == 0);
    MUST(pthread_mutex_lock(&recursive) == 0);
    pid_t child = fork();
    if (child == 0)
        _exit(in_child());
    say_child("child", child);
    ready = true;
    MUST(pthread_cond_signal(&cond) == 0);
    MUST(pthread_mutex_unlock(&plain) == 0);
    finish(thread);
    say("the parent's waiter was woken");
    return 0;
}
