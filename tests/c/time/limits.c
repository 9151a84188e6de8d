// Every wait with a time that is long past, zero, negative, out of range, or hardly representable. The calls that would wait
// for ever are ended by a signal.
#include "oracle.h"

#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <threads.h>

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER, mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t none;
static mtx_t timed;
static cnd_t cnd;
static uint32_t word;
static int ends[2], epoll;
static pthread_t lives;
static sem_t may_end;

static const struct { const char *name; struct timespec time; } times[] = {
    {"zero", {0, 0}},
    {"one ns", {0, 1}},
    {"long past", {1, 999999999}},
    {"negative", {-1, 0}},
    {"negative ns", {0, -1}},
    {"ns too large", {0, 1000000000}},
    {"both wrong", {-1, -1}},
    {"much too large ns", {0, LONG_MAX}},
    {"smallest", {LONG_MIN, 0}},
};

enum { TIMES = sizeof times / sizeof *times };

static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI, CLOCK_PROCESS_CPUTIME_ID,
                                   CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, 99, -1};

enum { CLOCKS = sizeof clocks / sizeof *clocks };

static void *wait_to_end(void *value)
{
    while (sem_wait(&may_end) == -1)
        ;
    return value;
}

static long futex(int operation, const struct timespec *when)
{
    return syscall(SYS_futex, &word, operation, 0, when, NULL, FUTEX_BITSET_MATCH_ANY);
}

static int timed_wait_on_cond(clockid_t clock, const struct timespec *when)
{
    int error;
    MUST(pthread_mutex_lock(&mutex) == 0);
    do
        error = clock == -2 ? pthread_cond_timedwait(&cond, &mutex, when)
                            : pthread_cond_clockwait(&cond, &mutex, clock, when);
    while (error == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return error;
}

static void absolute(const struct timespec *when)
{
    say_call("  sem_timedwait", sem_timedwait(&none, when));
    say_error("  pthread_mutex_timedlock", pthread_mutex_timedlock(&held, when));
    say_error("  pthread_cond_timedwait", timed_wait_on_cond(-2, when));
    say_error("  pthread_rwlock_timedrdlock", pthread_rwlock_timedrdlock(&rwlock, when));
    say_error("  pthread_rwlock_timedwrlock", pthread_rwlock_timedwrlock(&rwlock, when));
    say("  mtx_timedlock: %d", mtx_timedlock(&timed, when));
    MUST(pthread_mutex_lock(&mutex) == 0);
    say("  cnd_timedwait: %d", cnd_timedwait(&cnd, (mtx_t *)&mutex, when));
    MUST(pthread_mutex_unlock(&mutex) == 0);
    // libc tries again for ever when the time is none.
    if (when->tv_nsec >= 0 && when->tv_nsec < 1000000000) {
        say_error("  pthread_timedjoin_np", pthread_timedjoin_np(lives, NULL, when));
        say_error("  pthread_clockjoin_np", pthread_clockjoin_np(lives, NULL, CLOCK_MONOTONIC, when));
    }
    say_error("  clock_nanosleep, monotonic", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, when, NULL));
    say_error("  clock_nanosleep, realtime", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, when, NULL));
    say_error("  clock_nanosleep, boot time", clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, when, NULL));
    say_error("  clock_nanosleep, TAI", clock_nanosleep(CLOCK_TAI, TIMER_ABSTIME, when, NULL));
    say_call("  futex bitset", futex(FUTEX_WAIT_BITSET_PRIVATE, when));
    say_call("  futex bitset, realtime", futex(FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, when));
}

static void relative(const struct timespec *span)
{
    struct timespec left = {77, 77};
    struct pollfd entry = {.fd = ends[0], .events = POLLIN};
    struct epoll_event event;
    fd_set in;
    say_call("  nanosleep", nanosleep(span, &left));
    say_error("  clock_nanosleep", clock_nanosleep(CLOCK_MONOTONIC, 0, span, &left));
    say("  thrd_sleep: %d", thrd_sleep(span, &left));
    say("  left: %ld.%ld", (long)left.tv_sec, left.tv_nsec);
    say_call("  ppoll", ppoll(&entry, 1, span, NULL));
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    struct timespec given = *span;
    say_call("  pselect", pselect(ends[0] + 1, &in, NULL, NULL, &given, NULL));
    say("  not written: %d", given.tv_sec == span->tv_sec && given.tv_nsec == span->tv_nsec);
    say_call("  epoll_pwait2", epoll_pwait2(epoll, &event, 1, span, NULL));
    say_call("  futex", futex(FUTEX_WAIT_PRIVATE, span));
    say_call("  futex, realtime", futex(FUTEX_WAIT_PRIVATE | FUTEX_CLOCK_REALTIME, span));
}

static void with_select(long sec, long usec)
{
    struct timeval left = {.tv_sec = sec, .tv_usec = usec};
    fd_set in;
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    say("select of %ld, %ld:", sec, usec);
    say_call("  empty", select(ends[0] + 1, &in, NULL, NULL, &left));
    say("  left %ld, %ld", (long)left.tv_sec, (long)left.tv_usec);
}

static void with_clocks(void)
{
    struct timespec past = {.tv_sec = 1}, span = {.tv_nsec = 1};
    for (int i = 0; i < CLOCKS; i++) {
        say("clock %d:", clocks[i]);
        say_call("  sem_clockwait", sem_clockwait(&none, clocks[i], &past));
        say_error("  pthread_mutex_clocklock", pthread_mutex_clocklock(&held, clocks[i], &past));
        say_error("  pthread_cond_clockwait", timed_wait_on_cond(clocks[i], &past));
        say_error("  pthread_rwlock_clockrdlock", pthread_rwlock_clockrdlock(&rwlock, clocks[i], &past));
        say_error("  pthread_rwlock_clockwrlock", pthread_rwlock_clockwrlock(&rwlock, clocks[i], &past));
        say_error("  pthread_clockjoin_np", pthread_clockjoin_np(lives, NULL, clocks[i], &past));
        if (clocks[i] != CLOCK_PROCESS_CPUTIME_ID) {
            say_error("  clock_nanosleep", clock_nanosleep(clocks[i], 0, &span, NULL));
            say_error("  absolute", clock_nanosleep(clocks[i], TIMER_ABSTIME, &past, NULL));
        }
    }
}

static void *body(void *unused)
{
    for (int i = 0; i < TIMES; i++) {
        say("%s:", times[i].name);
        absolute(&times[i].time);
        if (times[i].time.tv_sec != 1)
            relative(&times[i].time);
    }
    with_clocks();
    with_select(0, 0);
    with_select(0, 1);
    with_select(0, 20000);
    with_select(-1, 0);
    with_select(0, -1);
    with_select(-1, 5000000);
    with_select(0, 1010000);
    say_call("poll, 0", poll(NULL, 0, 0));
    say_call("poll, 1", poll(NULL, 0, 1));
    return unused;
}

static void *holder(void *unused)
{
    MUST(pthread_mutex_lock(&held) == 0 && mtx_lock(&timed) == thrd_success && pthread_rwlock_wrlock(&rwlock) == 0);
    MUST(sem_post(&none) == 0);
    wait_to_end(NULL);
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&none, 0, 0) == 0 && sem_init(&may_end, 0, 0) == 0 && pipe(ends) == 0);
    MUST(mtx_init(&timed, mtx_timed) == thrd_success && cnd_init(&cnd) == thrd_success);
    epoll = epoll_create1(0);
    MUST(epoll >= 0);
    pthread_t keeper = start(holder, NULL);
    MUST(sem_wait(&none) == 0);
    lives = start(wait_to_end, NULL);
    finish(start(body, NULL));
    MUST(sem_post(&may_end) == 0 && sem_post(&may_end) == 0);
    finish(keeper);
    finish(lives);
    return 0;
}
