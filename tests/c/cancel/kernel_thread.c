// Cancelling a thread that has a kernel thread of its own (it has locked a robust mutex) while it waits in a semaphore, a condition, a
// join and a read.
#include "oracle.h"

static pthread_mutex_t robust, mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t never;
static int ends[2];

static void unlock(void *unused)
{
    (void)unused;
    MUST(pthread_mutex_unlock(&mutex) == 0); // it is held again
}

static void *waits(void *how)
{
    char byte;
    MUST(pthread_mutex_lock(&robust) == 0 && pthread_mutex_unlock(&robust) == 0);
    switch ((intptr_t)how) {
    case 0:
        sem_wait(&never);
        break;
    case 1:
        MUST(pthread_mutex_lock(&mutex) == 0);
        pthread_cleanup_push(unlock, NULL);
        pthread_cond_wait(&cond, &mutex);
        pthread_cleanup_pop(1);
        break;
    case 2:
        (void)!read(ends[0], &byte, 1);
        break;
    }
    return NULL;
}

int main(void)
{
    begin();
    pthread_mutexattr_t attributes;
    MUST(pthread_mutexattr_init(&attributes) == 0);
    MUST(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
    MUST(pthread_mutex_init(&robust, &attributes) == 0);
    MUST(sem_init(&never, 0, 0) == 0 && pipe(ends) == 0);
    static const char *const names[] = {"sem_wait", "cond_wait", "read"};
    for (intptr_t how = 0; how < 3; how++) {
        pthread_t thread = start(waits, (void *)how);
        sleep_ms(SETTLE_MS);
        say_error("cancel", pthread_cancel(thread));
        say("%s: cancelled %d", names[how], finish(thread) == PTHREAD_CANCELED);
    }
}
