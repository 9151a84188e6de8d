// A writer that leaves lets all waiting readers in together; the last reader that leaves lets the waiting writer in; with writers
// preferred, a reader that comes after a waiting writer waits.
#include "oracle.h"

enum { READERS = 6 };

static pthread_rwlock_t lock;
static pthread_barrier_t together;
static sem_t told;
static int value;

static void *reader(void *unused)
{
    MUST(pthread_rwlock_rdlock(&lock) == 0);
    pthread_barrier_wait(&together);
    int seen = value;
    MUST(pthread_rwlock_unlock(&lock) == 0);
    MUST(seen == 1);
    return unused;
}

static void *writer(void *unused)
{
    MUST(sem_post(&told) == 0);
    MUST(pthread_rwlock_wrlock(&lock) == 0);
    say("the writer is in");
    value = 2;
    MUST(pthread_rwlock_unlock(&lock) == 0);
    return unused;
}

static void *late_reader(void *unused)
{
    struct timespec soon = in_ms(CLOCK_REALTIME, 30);
    say_error("a reader after a waiting writer, tried", pthread_rwlock_tryrdlock(&lock));
    say_error("timed", pthread_rwlock_timedrdlock(&lock, &soon));
    return unused;
}

int main(void)
{
    begin();
    pthread_t threads[READERS];
    pthread_rwlockattr_t attributes;
    MUST(sem_init(&told, 0, 0) == 0);
    MUST(pthread_rwlock_init(&lock, NULL) == 0);
    MUST(pthread_barrier_init(&together, NULL, READERS) == 0);
    MUST(pthread_rwlock_wrlock(&lock) == 0);
    for (int i = 0; i < READERS; i++)
        threads[i] = start(reader, NULL);
    settle();
    value = 1;
    MUST(pthread_rwlock_unlock(&lock) == 0);
    for (int i = 0; i < READERS; i++)
        finish(threads[i]);
    say("all readers were in together");

    MUST(pthread_rwlock_destroy(&lock) == 0);
    MUST(pthread_rwlockattr_init(&attributes) == 0);
    MUST(pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) == 0);
    MUST(pthread_rwlock_init(&lock, &attributes) == 0);
    MUST(pthread_rwlock_rdlock(&lock) == 0);
    pthread_t waiting = start(writer, NULL);
    MUST(sem_wait(&told) == 0);
    settle();
    finish(start(late_reader, NULL));
    say("the reader leaves");
    MUST(pthread_rwlock_unlock(&lock) == 0);
    finish(waiting);
    say("value %d", value);
    return 0;
}
