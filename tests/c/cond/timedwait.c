// Timed waits on both clocks, by attribute and by clockwait; past, wrong, and fulfilled ones.
#include "oracle.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond;
static bool fulfilled;

static void *fulfil(void *unused)
{
    sleep_ms(20);
    MUST(pthread_mutex_lock(&mutex) == 0);
    fulfilled = true;
    MUST(pthread_cond_signal(&cond) == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

// A wake-up without cause is allowed, so each wait for a timeout is repeated until it is one.
static int timedwait(const struct timespec *when)
{
    int error;
    do
        error = pthread_cond_timedwait(&cond, &mutex, when);
    while (error == 0 && !fulfilled);
    return error;
}

static int clockwait(clockid_t clock, const struct timespec *when)
{
    int error;
    do
        error = pthread_cond_clockwait(&cond, &mutex, clock, when);
    while (error == 0 && !fulfilled);
    return error;
}

static void on_clock(const char *name, clockid_t clock)
{
    pthread_condattr_t attributes;
    struct timespec when, past = {.tv_sec = 1}, wrong = {.tv_nsec = 1000000000};
    long long began;
    fulfilled = false;
    MUST(pthread_condattr_init(&attributes) == 0);
    say("%s:", name);
    say_error("  setclock", pthread_condattr_setclock(&attributes, clock));
    MUST(pthread_cond_init(&cond, &attributes) == 0);
    MUST(pthread_mutex_lock(&mutex) == 0);
    began = now_ns(CLOCK_MONOTONIC);
    when = in_ms(clock, 30);
    say_error("  timedwait", timedwait(&when));
    say_took("  that", began, clock == CLOCK_MONOTONIC ? 30 : 29);
    began = now_ns(CLOCK_MONOTONIC);
    when = in_ms(CLOCK_MONOTONIC, 30);
    say_error("  clockwait, monotonic", clockwait(CLOCK_MONOTONIC, &when));
    say_took("  that", began, 30);
    when = in_ms(CLOCK_REALTIME, 30);
    say_error("  clockwait, realtime", clockwait(CLOCK_REALTIME, &when));
    say_error("  long past", timedwait(&past));
    say_error("  no such time", pthread_cond_timedwait(&cond, &mutex, &wrong));
    say_error("  no such clock", pthread_cond_clockwait(&cond, &mutex, CLOCK_THREAD_CPUTIME_ID, &when));
    pthread_t thread = start(fulfil, NULL);
    when = in_ms(clock, 10000);
    say_error("  fulfilled", timedwait(&when));
    MUST(pthread_mutex_unlock(&mutex) == 0);
    finish(thread);
    MUST(pthread_cond_destroy(&cond) == 0);
}

int main(void)
{
    begin();
    pthread_condattr_t attributes;
    on_clock("realtime", CLOCK_REALTIME);
    on_clock("monotonic", CLOCK_MONOTONIC);
    MUST(pthread_condattr_init(&attributes) == 0);
    say_error("no such clock", pthread_condattr_setclock(&attributes, CLOCK_PROCESS_CPUTIME_ID));
    return 0;
}
