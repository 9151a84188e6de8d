// FUTEX_WAKE_BITSET wakes only those whose bits it names; a plain wake and a plain wait have all bits.
#include "oracle.h"

#include <linux/futex.h>

static uint32_t word;
static int woken[4];

static long bitset(int operation, uint32_t value, uint32_t bits)
{
    return syscall(SYS_futex, &word, operation, value, NULL, NULL, bits);
}

static void *waiter(void *which)
{
    intptr_t i = (intptr_t)which;
    MUST(i < 3 ? bitset(FUTEX_WAIT_BITSET_PRIVATE, 0, 1u << i) == 0 : bitset(FUTEX_WAIT_PRIVATE, 0, 0) == 0);
    __atomic_add_fetch(&woken[i], 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void wake(const char *name, uint32_t bits, long many)
{
    long sum = 0;
    while (sum < many) {
        long now = bitset(FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, bits);
        MUST(now >= 0);
        sum += now;
        sched_yield();
    }
    say("%s: %ld", name, sum);
}

int main(void)
{
    begin();
    pthread_t threads[8];
    for (intptr_t i = 0; i < 8; i++)
        threads[i] = start(waiter, (void *)(i % 4));
    settle();
    say_call("nobody's bit", bitset(FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, 8) == 2 ? 2 : -2);
    wake("the second bit", 2, 2);
    wake("the others'", 5, 4);
    for (int i = 0; i < 8; i++)
        finish(threads[i]);
    say("woken: %d %d %d %d", woken[0], woken[1], woken[2], woken[3]);
    say_call("no bits", bitset(FUTEX_WAKE_BITSET_PRIVATE, 1, 0));
    return 0;
}
