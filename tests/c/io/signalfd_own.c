// A signalfd tells a thread of what was sent to that thread alone, before it looks and while it waits: main, a green thread, and one
// with a kernel thread of its own.
#include "oracle.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>

static const char *how;
static int signals;

static void say_next(const char *what)
{
    struct signalfd_siginfo info = {0};
    ssize_t got = read(signals, &info, sizeof info);
    say("%s, %s: %zd, signal %u, code %d, value %d", how, what, got, info.ssi_signo, info.ssi_code, info.ssi_int);
}

static void poll_it(void)
{
    struct pollfd one = {signals, POLLIN, 0};
    say("poll: %d", poll(&one, 1, 5000));
}

static void select_it(void)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(signals, &set);
    struct timeval limit = {.tv_sec = 5};
    say("select: %d", select(signals + 1, &set, NULL, NULL, &limit));
}

static void epoll_it(void)
{
    int set = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    MUST(set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, signals, &event) == 0);
    say("epoll_wait: %d", epoll_wait(set, &event, 1, 5000));
    MUST(close(set) == 0);
}

static void only_read(void)
{
}

static void *sends(void *to)
{
    settle();
    MUST(pthread_kill(*(pthread_t *)to, SIGUSR1) == 0);
    return to;
}

static void *looks(void *is_bound)
{
    static void (*const WAYS[])(void) = {poll_it, select_it, epoll_it, only_read};
    if (is_bound) {
        cpu_set_t own;
        CPU_ZERO(&own);
        CPU_SET(0, &own);
        MUST(sched_setaffinity(0, sizeof own, &own) == 0);
    }
    pthread_t self = pthread_self();
    for (int i = 0; i < 4; i++) {
        MUST(raise(SIGUSR1) == 0);
        WAYS[i]();
        say_next("raise");
        MUST(pthread_sigqueue(self, SIGRTMIN + 1, (union sigval){.sival_int = 7}) == 0);
        MUST(pthread_sigqueue(self, SIGRTMIN + 1, (union sigval){.sival_int = 8}) == 0);
        WAYS[i]();
        say_next("pthread_sigqueue");
        say_next("pthread_sigqueue");
        pthread_t sender = start(sends, &self);
        WAYS[i]();
        say_next("pthread_kill");
        finish(sender);
        MUST(kill(getpid(), SIGUSR1) == 0);
        WAYS[i]();
        say_next("kill");
    }
    return NULL;
}

// What is pending and blocked leaves other waits alone.
static void *waits_for_others(void *unused)
{
    int ends[2];
    char byte;
    MUST(pipe(ends) == 0 && raise(SIGUSR1) == 0);
    struct pollfd one = {ends[0], POLLIN, 0};
    say("poll of a pipe: %d", poll(&one, 1, SETTLE_MS));
    MUST(write(ends[1], "x", 1) == 1);
    say("read of a pipe: %zd", read(ends[0], &byte, 1));
    sigset_t now;
    MUST(sigpending(&now) == 0);
    say("pending %d", sigismember(&now, SIGUSR1));
    say_next("later");
    return unused;
}

int main(void)
{
    begin();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN + 1);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    signals = signalfd(-1, &set, SFD_CLOEXEC);
    MUST(signals >= 0);
    how = "a thread";
    finish(start(looks, NULL));
    finish(start(waits_for_others, NULL));
    how = "main";
    looks(NULL);
    how = "bound";
    finish(start(looks, "bound"));
    return 0;
}
