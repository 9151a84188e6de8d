// FUTEX_REQUEUE and FUTEX_CMP_REQUEUE: some are woken, the others wait on at the second word, and are woken there.
#include "oracle.h"

#include <linux/futex.h>

enum { THREADS = 8 };

static uint32_t from, to;
static int woken;

static void *waiter(void *unused)
{
    MUST(syscall(SYS_futex, &from, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) == 0);
    __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
    return unused;
}

static long wake(uint32_t *where, int many)
{
    return syscall(SYS_futex, where, FUTEX_WAKE_PRIVATE, many, NULL, NULL, 0);
}

static long cmp_requeue(uint32_t wake_many, uintptr_t move_many, uint32_t expected)
{
    return syscall(SYS_futex, &from, FUTEX_CMP_REQUEUE_PRIVATE, wake_many, move_many, &to, expected);
}

static long requeue(uint32_t wake_many, uintptr_t move_many)
{
    return syscall(SYS_futex, &from, FUTEX_REQUEUE_PRIVATE, wake_many, move_many, &to, 0);
}

static void wake_all_at(uint32_t *where, const char *name, long many)
{
    long sum = 0;
    while (sum < many) {
        sum += wake(where, 3);
        sched_yield();
    }
    say("woken at the %s word: %ld", name, sum);
}

int main(void)
{
    begin();
    pthread_t threads[THREADS];
    say_call("another value", cmp_requeue(1, INT_MAX, 7));
    say_call("nobody there", cmp_requeue(1, INT_MAX, 0));
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(waiter, NULL);
    long moved = 0;
    while (moved < THREADS) {
        long now = cmp_requeue(0, INT_MAX, 0);
        MUST(now >= 0);
        moved += now;
        sched_yield();
    }
    say("moved %ld, woken %d, left at the first word %ld", moved, woken, wake(&from, INT_MAX));
    wake_all_at(&to, "second", THREADS);
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    say("woken %d", woken);

    woken = 0;
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(waiter, NULL);
    settle();
    say_call("wake two, move three", requeue(2, 3));
    wake_all_at(&to, "second", 3);
    wake_all_at(&from, "first", 3);
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    say("woken %d", woken);
    return 0;
}
