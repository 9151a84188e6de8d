// Times so far away that they do not fit in nanoseconds: the wait lasts, and what is left of it is told rightly.
#include "oracle.h"

#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/select.h>

static sem_t none;
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER, mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static uint32_t word;
static int ends[2], pair[2], epoll;
static long far_away;
static volatile bool done;
static pthread_t to_join;

static void handler(int unused)
{
    (void)unused;
}

// Whether what is left of a span is about what was asked for, or, where the kernel cuts it, about as long as it can be.
static const char *about(long left, long asked)
{
    const long longest = LONG_MAX / 1000000000;
    if (left > asked - 20 && left <= asked)
        return "all";
    if (left > longest - 100000000 && left <= longest)
        return "the longest there is";
    return left > 1000000000 ? "very much" : "not enough";
}

static void *wait_how(void *how)
{
    struct timespec when = {.tv_sec = far_away, .tv_nsec = 999999999}, left = {0};
    struct timeval span = {.tv_sec = far_away, .tv_usec = 999999};
    struct epoll_event event;
    struct pollfd entry = {.fd = ends[0], .events = POLLIN};
    switch ((intptr_t)how) {
    case 0:
        say_call("nanosleep", nanosleep(&when, &left));
        say("left: %s", about(left.tv_sec, far_away));
        break;
    case 1: say_error("clock_nanosleep", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL)); break;
    case 2: say_error("clock_nanosleep, realtime", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &when, NULL)); break;
    case 3: say_call("sem_timedwait", sem_timedwait(&none, &when)); break;
    case 4: say_call("sem_clockwait", sem_clockwait(&none, CLOCK_MONOTONIC, &when)); break;
    case 5: say_call("ppoll", ppoll(&entry, 1, &when, NULL)); break;
    case 6:
        say_call("select", select(0, NULL, NULL, NULL, &span));
        say("left: %s", about(span.tv_sec, far_away));
        break;
    case 7: say_call("pselect", pselect(0, NULL, NULL, NULL, &when, NULL)); break;
    case 8: say_call("epoll_pwait2", epoll_pwait2(epoll, &event, 1, &when, NULL)); break;
    case 9: say_call("futex", syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &when, NULL, 0)); break;
    case 10:
        say_call("futex bitset", syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &when, NULL,
                                         FUTEX_BITSET_MATCH_ANY));
        break;
    case 11: say_call("poll", poll(&entry, 1, INT_MAX)); break;
    case 12: say_call("epoll_wait", epoll_wait(epoll, &event, 1, INT_MAX)); break;
    case 13: say("sleep: %d", sleep(UINT_MAX) > UINT_MAX - 20); break;
    }
    done = true;
    return NULL;
}

enum { INTERRUPTED = 14 };

static void *wait_for_lock(void *how)
{
    struct timespec when = {.tv_sec = far_away, .tv_nsec = 999999999};
    int error = 0;
    switch ((intptr_t)how) {
    case 0: error = pthread_mutex_timedlock(&held, &when); break;
    case 1: error = pthread_mutex_clocklock(&held, CLOCK_MONOTONIC, &when); break;
    case 2: error = pthread_rwlock_timedrdlock(&rwlock, &when); break;
    case 3: error = pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &when); break;
    case 4:
    case 5:
        MUST(pthread_mutex_lock(&mutex) == 0);
        while (!done && error == 0)
            error = (intptr_t)how == 4 ? pthread_cond_timedwait(&cond, &mutex, &when)
                                       : pthread_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, &when);
        MUST(pthread_mutex_unlock(&mutex) == 0);
        break;
    case 6: error = pthread_timedjoin_np(to_join, NULL, &when); break;
    }
    if (error == 0 && (intptr_t)how < 2)
        MUST(pthread_mutex_unlock(&held) == 0);
    if (error == 0 && ((intptr_t)how == 2 || (intptr_t)how == 3))
        MUST(pthread_rwlock_unlock(&rwlock) == 0);
    say("lock %d: %s, %s", (int)(intptr_t)how, error_name(error), done ? "when it was free" : "too early");
    return NULL;
}

static void socket_timeouts(void)
{
    static const struct timeval spans[] = {
        {0, 0}, {0, 1}, {0, 999}, {0, 1000000}, {0, -1}, {1, 5000000}, {LONG_MAX, 0}, {LONG_MAX / 1000, 999999},
    };
    char byte;
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        struct timeval got = {77, 77};
        socklen_t length = sizeof got;
        say_call("SO_RCVTIMEO", setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &spans[i], sizeof spans[i]));
        MUST(getsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &got, &length) == 0);
        say("  told back: %ld.%06ld", (long)got.tv_sec, (long)got.tv_usec);
        if (spans[i].tv_sec == 0 && spans[i].tv_usec > 0 && spans[i].tv_usec < 1000)
            say_call("  recv", recv(pair[0], &byte, 1, 0));
    }
    struct timeval negative = {.tv_sec = -1};
    say_call("SO_RCVTIMEO, negative", setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &negative, sizeof negative));
    say_call("  recv", recv(pair[0], &byte, 1, 0));
    say_call("too short", setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &negative, 4));
}

static void *sockets(void *unused)
{
    socket_timeouts();
    return unused;
}

static void *no_longer(void *value)
{
    while (!done)
        usleep(1000);
    return value;
}

int main(void)
{
    begin();
    static const long seconds[] = {10000000000L, LONG_MAX / 1000, LONG_MAX};
    MUST(sem_init(&none, 0, 0) == 0 && pipe(ends) == 0);
    stream_pair(pair);
    epoll = epoll_create1(0);
    handle(SIGUSR1, handler, 0);
    finish(start(sockets, NULL));
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        far_away = seconds[i];
        say("seconds: %ld", far_away);
        for (intptr_t how = 0; how < INTERRUPTED; how++) {
            done = false;
            pthread_t thread = start(wait_how, (void *)how);
            sleep_ms(5);
            say("ended by itself: %d", done);
            while (!done) {
                MUST(pthread_kill(thread, SIGUSR1) == 0);
                sleep_ms(2);
            }
            finish(thread);
        }
        for (intptr_t how = 0; how < 7; how++) {
            done = false;
            MUST(pthread_mutex_lock(&held) == 0 && pthread_rwlock_wrlock(&rwlock) == 0);
            pthread_t joined = start(no_longer, NULL);
            to_join = joined;
            pthread_t thread = start(wait_for_lock, (void *)how);
            sleep_ms(5);
            done = true;
            MUST(pthread_mutex_unlock(&held) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
            MUST(pthread_mutex_lock(&mutex) == 0 && pthread_cond_broadcast(&cond) == 0);
            MUST(pthread_mutex_unlock(&mutex) == 0);
            finish(thread);
            if (how != 6)
                finish(joined);
        }
    }
    return 0;
}
