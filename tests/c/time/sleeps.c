// Every way to sleep, with every wrong argument: lower bounds exact, remainders, absolute times.
#include "oracle.h"

static void *body(void *unused)
{
    struct timespec span = span_ms(30), left = {.tv_sec = 77, .tv_nsec = 77}, zero = {0};
    struct timespec wrong = {.tv_nsec = 1000000000}, negative = {.tv_sec = -1}, negative_ns = {.tv_nsec = -1};
    long long began = now_ns(CLOCK_MONOTONIC);
    say_call("nanosleep", nanosleep(&span, &left));
    say_took("  that", began, 30);
    say("what is left is not written: %d", left.tv_sec == 77 && left.tv_nsec == 77);
    say_call("nanosleep, zero", nanosleep(&zero, NULL));
    say_call("nanosleep, nsec too large", nanosleep(&wrong, NULL));
    say_call("nanosleep, negative", nanosleep(&negative, NULL));
    say_call("nanosleep, nsec negative", nanosleep(&negative_ns, NULL));
    struct timespec *volatile nowhere = (struct timespec *)8;
    say_call("nanosleep, nowhere", nanosleep(nowhere, NULL));
    began = now_ns(CLOCK_MONOTONIC);
    say_call("usleep", usleep(30000));
    say_took("  that", began, 30);
    began = now_ns(CLOCK_MONOTONIC);
    say_error("clock_nanosleep", clock_nanosleep(CLOCK_MONOTONIC, 0, &span, &left));
    say_took("  that", began, 30);
    began = now_ns(CLOCK_MONOTONIC);
    say_error("clock_nanosleep, realtime", clock_nanosleep(CLOCK_REALTIME, 0, &span, NULL));
    say_took("  that", began, 30);
    began = now_ns(CLOCK_MONOTONIC);
    struct timespec when = in_ms(CLOCK_MONOTONIC, 30);
    say_error("absolute, monotonic", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL));
    say_took("  that", began, 30);
    when = in_ms(CLOCK_REALTIME, 30);
    began = now_ns(CLOCK_MONOTONIC);
    say_error("absolute, realtime", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &when, NULL));
    say_took("  that", began, 29);
    when = in_ms(CLOCK_BOOTTIME, 30);
    say_error("absolute, boot time", clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &when, NULL));
    began = now_ns(CLOCK_MONOTONIC);
    when = in_ms(CLOCK_MONOTONIC, -1000);
    say_error("absolute, past", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL));
    say_took("  that", began, 0);
    say_error("nsec too large", clock_nanosleep(CLOCK_MONOTONIC, 0, &wrong, NULL));
    say_error("no such clock", clock_nanosleep(99, 0, &span, NULL));
    say_error("this thread's clock", clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &span, NULL));
    say("errno is not touched: %s", error_name(errno == EINVAL || errno == EFAULT ? 0 : errno));
    return unused;
}

static void *one_second(void *unused)
{
    long long began = now_ns(CLOCK_MONOTONIC);
    say_call("sleep", sleep(1));
    say_took("  that", began, 1000);
    return unused;
}

int main(void)
{
    begin();
    pthread_t thread = start(one_second, NULL);
    finish(thread);
    body(NULL);
    say("in a thread:");
    finish(start(body, NULL));
    say_call("sleep 0", sleep(0));
    return 0;
}
