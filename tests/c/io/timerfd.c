// timerfd: a reader waits for expirations, once and repeatedly, on an absolute time, and after it was disarmed and armed.
#include "oracle.h"

#include <sys/timerfd.h>

static int fd;

static void arm(int flags, struct timespec first, long interval_ms)
{
    struct itimerspec when = {.it_value = first, .it_interval = span_ms(interval_ms)};
    MUST(timerfd_settime(fd, flags, &when, NULL) == 0);
}

static uint64_t expirations(void)
{
    uint64_t value = 0;
    MUST(read(fd, &value, sizeof value) == sizeof value);
    return value;
}

static void *body(void *unused)
{
    long long began = now_ns(CLOCK_MONOTONIC);
    fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    arm(0, span_ms(30), 0);
    say("once: %llu", (unsigned long long)expirations());
    say_took("  that", began, 30);
    began = now_ns(CLOCK_MONOTONIC);
    arm(TFD_TIMER_ABSTIME, in_ms(CLOCK_MONOTONIC, 30), 0);
    say("absolute: %llu", (unsigned long long)expirations());
    say_took("  that", began, 29);
    began = now_ns(CLOCK_MONOTONIC);
    arm(0, span_ms(10), 10);
    unsigned long long sum = 0;
    while (sum < 5)
        sum += expirations();
    say_took("repeatedly", began, 50);
    sleep_ms(35);
    say("several at once: %d", expirations() >= 3);
    MUST(close(fd) == 0);
    return unused;
}

static void *wait_for_it(void *unused)
{
    say("armed while waited for: %llu", (unsigned long long)expirations());
    return unused;
}

int main(void)
{
    begin();
    finish(start(body, NULL));
    fd = timerfd_create(CLOCK_REALTIME, 0);
    pthread_t thread = start(wait_for_it, NULL);
    settle();
    arm(0, span_ms(1), 0);
    finish(thread);
    set_nonblocking(fd);
    uint64_t value;
    say_call("not armed, non-blocking", read(fd, &value, sizeof value));
    say_call("too short", read(fd, &value, 3));
    return 0;
}
