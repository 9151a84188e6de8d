// Waits for a time of CLOCK_REALTIME end when that clock says so, also when it is set meanwhile: by a step forward at once, by
// one back later. A sleep for a span and a time of CLOCK_MONOTONIC do not care.
// ignored: it sets the machine's clock, by less than two seconds and for less than one
#include "../oracle.h"
#include <sched.h>
#include <linux/futex.h>

enum { STEP_MS = 1800, WAIT_MS = 1500 };

static struct timespec until;
static int ended;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t sem;
static uint32_t word;
static pthread_t endless;

static int by_cond(void)
{
    pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
    MUST(pthread_mutex_lock(&own) == 0);
    int error = pthread_cond_timedwait(&cond, &own, &until);
    MUST(pthread_mutex_unlock(&own) == 0);
    return error;
}

static int by_mutex(void)
{
    return pthread_mutex_timedlock(&held, &until);
}

static int by_rwlock(void)
{
    return pthread_rwlock_timedrdlock(&rwlock, &until);
}

static int by_sem(void)
{
    return sem_timedwait(&sem, &until) == 0 ? 0 : errno;
}

static int by_sleep(void)
{
    return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
}

static int by_futex(void)
{
    long r = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, 0, &until, NULL,
                     FUTEX_BITSET_MATCH_ANY);
    return r == 0 ? 0 : errno;
}

static int by_join(void)
{
    return pthread_timedjoin_np(endless, NULL, &until);
}

static int (*const waits[])(void) = {by_cond, by_mutex, by_rwlock, by_sem, by_sleep, by_futex, by_join};
enum { WAITS = sizeof waits / sizeof waits[0] };

static void *wait_for_it(void *which)
{
    int error = waits[(intptr_t)which]();
    __atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
    return (void *)(intptr_t)error;
}

static void *sleep_for_span(void *clock)
{
    long long begun = now_ns(CLOCK_MONOTONIC);
    struct timespec span = {0, 400 * 1000000};
    struct timespec at = in_ms(CLOCK_MONOTONIC, 400);
    MUST((clock ? clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) : nanosleep(&span, NULL)) == 0);
    return (void *)(intptr_t)(now_ns(CLOCK_MONOTONIC) - begun);
}

static void say_span(const char *what, void *took)
{
    long ms = (long)(intptr_t)took / 1000000;
    say("%s: %s", what, ms >= 400 && ms < 400 + GENEROUS_MS ? "in time" : "not in time");
}

// What CLOCK_REALTIME is ahead of CLOCK_MONOTONIC: the clock is put back by that, however long the step lasted.
static long long ahead;

static int set_clock(long long by_ms)
{
    long long ns = now_ns(CLOCK_MONOTONIC) + ahead + by_ms * 1000000;
    struct timespec time = {ns / 1000000000, ns % 1000000000};
    return clock_settime(CLOCK_REALTIME, &time);
}

// Whether `n` of the waits have ended within `ms`.
static bool have_ended(int n, long ms)
{
    long long last = now_ns(CLOCK_MONOTONIC) + ms * 1000000LL;
    while (__atomic_load_n(&ended, __ATOMIC_SEQ_CST) < n && now_ns(CLOCK_MONOTONIC) < last)
        sleep_ms(1);
    return __atomic_load_n(&ended, __ATOMIC_SEQ_CST) >= n;
}

// The last is made as a kernel thread, because of its affinity.
static pthread_t start_waiter(int i)
{
    if (i < WAITS)
        return start(wait_for_it, (void *)(intptr_t)i);
    return start_foreign(wait_for_it, (void *)0);
}

static void round_with(const char *what, long wait_ms, long step_ms, bool end_in_step)
{
    pthread_t waiters[WAITS + 1];
    ended = 0;
    until = in_ms(CLOCK_REALTIME, wait_ms);
    for (int i = 0; i <= WAITS; i++)
        waiters[i] = start_waiter(i);
    settle();
    MUST(set_clock(step_ms) == 0);
    bool all = have_ended(WAITS + 1, 300);
    MUST(set_clock(0) == 0);
    say("%s: %s", what, all == end_in_step ? "as the clock says" : all ? "all have ended" : "not all have ended");
    say("%s, set back: %s", what, have_ended(WAITS + 1, 300) ? "all have ended" : "not all have ended");
    for (int i = 0; i <= WAITS; i++)
        say("%s, %d: %s", what, i, error_name((int)(intptr_t)finish(waiters[i])));
}

static void *wait_for_ever(void *unused)
{
    pause();
    return unused;
}

int main(void)
{
    begin();
    ahead = now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC);
    if (set_clock(0) != 0) {
        say("the clock may not be set: %s", error_name(errno));
        return 0;
    }
    MUST(sem_init(&sem, 0, 0) == 0);
    MUST(pthread_mutex_lock(&held) == 0);
    MUST(pthread_rwlock_wrlock(&rwlock) == 0);
    endless = start(wait_for_ever, NULL);
    pthread_t span = start(sleep_for_span, NULL), monotonic = start(sleep_for_span, "");
    round_with("forward", WAIT_MS, STEP_MS, true);
    say_span("a span", finish(span));
    say_span("a time of CLOCK_MONOTONIC", finish(monotonic));
    round_with("back", 200, -STEP_MS, false);
    return 0;
}
