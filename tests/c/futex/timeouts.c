// FUTEX_WAIT counts its timeout from now, FUTEX_WAIT_BITSET names a time on the clock it is told.
#include "oracle.h"

#include <linux/futex.h>

static uint32_t word;

static long wait_on(int operation, const struct timespec *timeout, uint32_t bits)
{
    return syscall(SYS_futex, &word, operation, 0, timeout, NULL, bits);
}

static void relative(const char *name, int operation)
{
    struct timespec span = span_ms(30);
    long long began = now_ns(CLOCK_MONOTONIC);
    say_call(name, wait_on(operation, &span, 0));
    say_took("  that", began, 30);
}

static void absolute(const char *name, int operation, clockid_t clock)
{
    struct timespec when = in_ms(clock, 30);
    long long began = now_ns(CLOCK_MONOTONIC);
    say_call(name, wait_on(operation, &when, FUTEX_BITSET_MATCH_ANY));
    say_took("  that", began, 29);
}

static void *body(void *unused)
{
    struct timespec zero = {0}, past = {.tv_sec = 1}, wrong = {.tv_nsec = 1000000000}, negative = {.tv_sec = -1};
    relative("WAIT, private", FUTEX_WAIT_PRIVATE);
    relative("WAIT", FUTEX_WAIT);
    absolute("WAIT_BITSET, monotonic", FUTEX_WAIT_BITSET_PRIVATE, CLOCK_MONOTONIC);
    absolute("WAIT_BITSET, realtime", FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, CLOCK_REALTIME);
    say_call("WAIT, zero", wait_on(FUTEX_WAIT_PRIVATE, &zero, 0));
    say_call("WAIT_BITSET, long past", wait_on(FUTEX_WAIT_BITSET_PRIVATE, &past, FUTEX_BITSET_MATCH_ANY));
    say_call("WAIT, no such span", wait_on(FUTEX_WAIT_PRIVATE, &wrong, 0));
    say_call("WAIT, negative span", wait_on(FUTEX_WAIT_PRIVATE, &negative, 0));
    say_call("WAIT_BITSET, no bits", wait_on(FUTEX_WAIT_BITSET_PRIVATE, NULL, 0));
    word = 1;
    say_call("WAIT, another value and no such span", wait_on(FUTEX_WAIT_PRIVATE, &wrong, 0));
    say_call("WAIT, another value", wait_on(FUTEX_WAIT_PRIVATE, &zero, 0));
    word = 0;
    return unused;
}

int main(void)
{
    begin();
    body(NULL);
    finish(start(body, NULL));
    return 0;
}
