// FUTEX_WAIT and FUTEX_WAKE by syscall(2): the value compared, the number woken, private and shared ones apart.
#include "oracle.h"

#include <linux/futex.h>

static uint32_t word;
static int woken, eagain;

static long futex(uint32_t *where, int operation, uint32_t value, const struct timespec *timeout)
{
    return syscall(SYS_futex, where, operation, value, timeout, NULL, 0);
}

static void *waiter(void *operation)
{
    long result = futex(&word, (int)(intptr_t)operation, 0, NULL);
    if (result == 0)
        __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
    else if (errno == EAGAIN)
        __atomic_add_fetch(&eagain, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

// Until so many have been woken: a waiter may not have come to its wait yet.
static long wake_in_all(int operation, uint32_t at_once, long many)
{
    long sum = 0;
    while (sum < many) {
        long now = futex(&word, operation, at_once, NULL);
        MUST(now >= 0 && now <= at_once);
        sum += now;
        sched_yield();
    }
    return sum;
}

static void wait_and_wake(const char *name, int wait, int wake)
{
    pthread_t threads[10];
    woken = eagain = 0;
    for (int i = 0; i < 10; i++)
        threads[i] = start(waiter, (void *)(intptr_t)wait);
    say("%s: one by one %ld", name, wake_in_all(wake, 1, 4));
    say("%s: all the others %ld", name, wake_in_all(wake, INT_MAX, 6));
    for (int i = 0; i < 10; i++)
        finish(threads[i]);
    say("%s: woken %d, refused %d", name, woken, eagain);
    say_call("nobody left", futex(&word, wake, INT_MAX, NULL));
}

int main(void)
{
    begin();
    say_call("another value", futex(&word, FUTEX_WAIT_PRIVATE, 5, NULL));
    wait_and_wake("private", FUTEX_WAIT_PRIVATE, FUTEX_WAKE_PRIVATE);
    wait_and_wake("shared", FUTEX_WAIT, FUTEX_WAKE);
    pthread_t thread = start(waiter, (void *)(intptr_t)FUTEX_WAIT_PRIVATE);
    settle();
    word = 1;
    say_call("wake after the value changed", futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL));
    finish(thread);
    finish(start(waiter, (void *)(intptr_t)FUTEX_WAIT_PRIVATE));
    say("woken %d, refused %d", woken, eagain);
    return 0;
}
