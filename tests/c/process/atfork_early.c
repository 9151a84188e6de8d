// Fork handlers that were registered before any library's constructor ran, as an allocator does in its first call: they may wait
// for a thread that makes threads meanwhile, and their child's half finds a runtime that works.
#define _GNU_SOURCE
#include "oracle.h"
#include <dlfcn.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, old_mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t held;

static void prepare(void)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
}

static void settled(void)
{
    MUST(pthread_mutex_unlock(&mutex) == 0);
}

static void old_prepare(void)
{
    MUST(pthread_mutex_lock(&old_mutex) == 0);
}

static void old_settled(void)
{
    MUST(pthread_mutex_unlock(&old_mutex) == 0);
}

static void *nothing(void *unused)
{
    return unused;
}

// In the child before its program goes on, where a thread may be made already.
static void in_child(void)
{
    settled();
    finish(start(nothing, NULL));
}

static void early(int argc, char **argv, char **environment)
{
    (void)argc, (void)argv, (void)environment;
    if (pthread_atfork(prepare, settled, in_child) != 0)
        abort();
    // Which is what a library that was linked with an old libc calls.
    int (*old)(void (*)(void), void (*)(void), void (*)(void)) = dlvsym(RTLD_DEFAULT, "pthread_atfork", "GLIBC_2.2.5");
    if (old == NULL || old(old_prepare, old_settled, old_settled) != 0)
        abort();
}

// Only a program has these, and they run before what was preloaded is initialised.
__attribute__((section(".preinit_array"), used)) static void (*const preinit)(int, char **, char **) = early;

static void *holder(void *which)
{
    pthread_mutex_t *lock = which;
    MUST(pthread_mutex_lock(lock) == 0);
    MUST(sem_post(&held) == 0);
    sleep_ms(10);
    for (int i = 0; i < 20; i++)
        finish(start(nothing, NULL));
    MUST(pthread_mutex_unlock(lock) == 0);
    return NULL;
}

static void *forker(void *which)
{
    pthread_t thread = start(holder, which);
    MUST(sem_wait(&held) == 0);
    pid_t child = fork();
    if (child == 0) {
        alarm(15);
        finish(start(nothing, NULL));
        _exit(pthread_mutex_trylock(which) == 0 ? 3 : 4);
    }
    say_child("child", child);
    finish(thread);
    return NULL;
}

int main(void)
{
    begin();
    MUST(sem_init(&held, 0, 0) == 0);
    for (int i = 0; i < 4; i++) {
        void *which = i % 2 ? &mutex : &old_mutex;
        forker(which);
        finish(start(forker, which));
    }
    return 0;
}
