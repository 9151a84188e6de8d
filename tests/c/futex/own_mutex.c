// A mutex that a program built itself on the futex call, as many run-time libraries do.
#include "oracle.h"

#include <linux/futex.h>

enum { THREADS = 12, ROUNDS = 1000 };

// 0 free, 1 held, 2 held with waiters.
static uint32_t lock;
static int counter;

static void acquire(void)
{
    uint32_t seen = 0;
    if (__atomic_compare_exchange_n(&lock, &seen, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(&lock, 2, __ATOMIC_ACQUIRE) != 0)
        syscall(SYS_futex, &lock, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

static void release(void)
{
    if (__atomic_exchange_n(&lock, 0, __ATOMIC_RELEASE) == 2)
        syscall(SYS_futex, &lock, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *count(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        acquire();
        counter++;
        if (i % 100 == 0)
            sched_yield();
        release();
    }
    return unused;
}

int main(void)
{
    begin();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(count, NULL);
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    say("counter %d, lock %u", counter, lock);
    return 0;
}
