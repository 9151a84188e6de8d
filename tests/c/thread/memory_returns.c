// Threads that have ended take no memory: neither those that were given a kernel thread, joined or detached, nor the many of a
// crowd, again and again.
#include "oracle.h"

enum { BOUND = 400, CROWD = 6000, ROUNDS = 5 };

static sem_t ended;
static pthread_barrier_t all;

static void *lock(void *detached)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t mutex;
    MUST(pthread_mutexattr_init(&attributes) == 0);
    MUST(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
    MUST(pthread_mutex_init(&mutex, &attributes) == 0);
    MUST(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    if (detached)
        MUST(sem_post(&ended) == 0);
    return NULL;
}

static void *meet(void *ignored)
{
    pthread_barrier_wait(&all);
    return ignored;
}

// In kilobytes.
static long status(const char *what)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long value = 0;
    MUST(file);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, what, strlen(what)) == 0)
            value = atol(line + strlen(what));
    MUST(fclose(file) == 0);
    return value;
}

static void bound(int n)
{
    for (int i = 0; i < n; i++) {
        finish(start(lock, NULL));
        MUST(pthread_detach(start(lock, &ended)) == 0);
        MUST(sem_wait(&ended) == 0);
    }
}

static void crowd(void)
{
    static pthread_t threads[CROWD];
    MUST(pthread_barrier_init(&all, NULL, CROWD) == 0);
    for (int i = 0; i < CROWD; i++)
        threads[i] = start_small(meet, NULL);
    for (int i = 0; i < CROWD; i++)
        finish(threads[i]);
    MUST(pthread_barrier_destroy(&all) == 0);
}

int main(void)
{
    begin();
    MUST(sem_init(&ended, 0, 0) == 0);
    bound(40);
    long before = status("VmSize:");
    bound(BOUND);
    long grown = status("VmSize:") - before;
    if (grown > 512 * 1024)
        say("address space grew by %ld KB", grown);
    crowd();
    crowd();
    before = status("VmRSS:");
    for (int i = 2; i < ROUNDS; i++)
        crowd();
    grown = status("VmRSS:") - before;
    if (grown > 2048)
        say("resident memory grew by %ld KB", grown);
    say("done");
    return 0;
}
