// SIGALRM by setitimer and by alarm, while main waits and while threads run: handled in time, once, and it ends main's wait.
#include "oracle.h"

static volatile sig_atomic_t handled;
static bool stop;

static void handler(int unused)
{
    (void)unused;
    __atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
}

static void *busy(void *unused)
{
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST))
        sched_yield();
    return unused;
}

static void arm(long ms, long interval_ms)
{
    struct itimerval when = {.it_value = {0, ms * 1000}, .it_interval = {0, interval_ms * 1000}};
    MUST(setitimer(ITIMER_REAL, &when, NULL) == 0);
}

static void once(const char *name)
{
    handled = 0;
    long long began = now_ns(CLOCK_MONOTONIC);
    arm(30, 0);
    // The signal may go to any thread, so only the handler's running is sure, not whose wait it ends.
    while (!handled)
        usleep(1000);
    say_took(name, began, 30);
    usleep(20000);
    say("handled: %d", (int)handled);
}

int main(void)
{
    begin();
    handle(SIGALRM, handler, 0);
    once("without threads");
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        threads[i] = start(busy, NULL);
    once("with busy threads");
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 2; i++)
        finish(threads[i]);
    handled = 0;
    arm(5, 5);
    while (handled < 10)
        usleep(1000);
    arm(0, 0);
    say("repeatedly: %d", handled >= 10);
    handled = 0;
    long long began = now_ns(CLOCK_MONOTONIC);
    arm(40, 0);
    long result = pause();
    say_call("pause", result);
    say_took("  that", began, 40);
    arm(40, 0);
    struct timespec span = {.tv_sec = 100};
    result = nanosleep(&span, NULL);
    say_call("nanosleep", result);
    handled = 0;
    alarm(1);
    say("alarm tells the time left: %d", alarm(1) == 1);
    result = nanosleep(&span, NULL);
    say_call("nanosleep, alarm", result);
    say("handled: %d", (int)handled);
    return 0;
}
