// Robust mutexes: a thread, and then a process, that dies as the owner. EOWNERDEAD, repaired or given up.
#include "oracle.h"

static pthread_mutex_t *mutex;

static void init_robust(int shared)
{
    pthread_mutexattr_t attributes;
    MUST(pthread_mutexattr_init(&attributes) == 0);
    MUST(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
    MUST(pthread_mutexattr_setpshared(&attributes, shared) == 0);
    MUST(pthread_mutex_init(mutex, &attributes) == 0);
}

static void *die_as_owner(void *unused)
{
    MUST(pthread_mutex_lock(mutex) == 0);
    return unused;
}

static void *wait_for_it(void *unused)
{
    int error = pthread_mutex_lock(mutex);
    say_error("a waiter", error);
    if (error == EOWNERDEAD)
        say_error("consistent", pthread_mutex_consistent(mutex));
    say_error("unlock", pthread_mutex_unlock(mutex));
    return unused;
}

static void owner_thread_dies(void)
{
    init_robust(PTHREAD_PROCESS_PRIVATE);
    finish(start(die_as_owner, NULL));
    say_error("trylock after its owner died", pthread_mutex_trylock(mutex));
    say_error("consistent", pthread_mutex_consistent(mutex));
    say_error("unlock", pthread_mutex_unlock(mutex));
    say_error("lock", pthread_mutex_lock(mutex));
    pthread_t waiter = start(wait_for_it, NULL);
    settle();
    say("unlock to a waiter");
    MUST(pthread_mutex_unlock(mutex) == 0);
    finish(waiter);
    finish(start(die_as_owner, NULL));
    say_error("lock after its owner died", pthread_mutex_lock(mutex));
    say_error("unlock, not repaired", pthread_mutex_unlock(mutex));
    say_error("lock", pthread_mutex_lock(mutex));
    say_error("destroy", pthread_mutex_destroy(mutex));
    say_error("consistent without need", pthread_mutex_consistent(mutex));
}

static void owner_process_dies(void)
{
    init_robust(PTHREAD_PROCESS_SHARED);
    pid_t child = fork();
    if (child == 0) {
        begin();
        MUST(pthread_mutex_lock(mutex) == 0);
        sleep_ms(2 * SETTLE_MS);
        _exit(4);
    }
    settle();
    finish(start(wait_for_it, NULL));
    say_child("child", child);
    say_error("lock", pthread_mutex_lock(mutex));
    say_error("unlock", pthread_mutex_unlock(mutex));
}

int main(void)
{
    begin();
    mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(mutex != MAP_FAILED);
    owner_thread_dies();
    owner_process_dies();
    return 0;
}
