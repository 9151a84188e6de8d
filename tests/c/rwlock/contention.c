// Readers and writers of both preferences: readers never see a writer's half, and every writer gets through.
#include "oracle.h"

enum { READERS = 8, WRITERS = 4, ROUNDS = 300 };

static pthread_rwlock_t lock;
static int left, right, torn, writes;

static void *reader(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        MUST(pthread_rwlock_rdlock(&lock) == 0);
        int seen = left;
        if (i % 50 == 0)
            sched_yield();
        if (seen != right)
            __atomic_add_fetch(&torn, 1, __ATOMIC_RELAXED);
        MUST(pthread_rwlock_unlock(&lock) == 0);
    }
    return unused;
}

static void *writer(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        MUST(pthread_rwlock_wrlock(&lock) == 0);
        left++;
        if (i % 20 == 0)
            sched_yield();
        right++;
        writes++;
        MUST(pthread_rwlock_unlock(&lock) == 0);
    }
    return unused;
}

static void with_preference(const char *name, int kind)
{
    pthread_rwlockattr_t attributes;
    pthread_t threads[READERS + WRITERS];
    MUST(pthread_rwlockattr_init(&attributes) == 0);
    MUST(pthread_rwlockattr_setkind_np(&attributes, kind) == 0);
    MUST(pthread_rwlock_init(&lock, &attributes) == 0);
    writes = 0;
    for (int i = 0; i < READERS + WRITERS; i++)
        threads[i] = start(i < READERS ? reader : writer, NULL);
    for (int i = 0; i < READERS + WRITERS; i++)
        finish(threads[i]);
    say("%s: writes %d, torn %d", name, writes, torn);
    MUST(pthread_rwlock_destroy(&lock) == 0);
}

int main(void)
{
    begin();
    with_preference("readers first", PTHREAD_RWLOCK_PREFER_READER_NP);
    with_preference("writers first", PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    return 0;
}
