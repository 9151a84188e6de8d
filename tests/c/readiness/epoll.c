// epoll: level, edge, one-shot, nested, several waiters, changes under a waiter, epoll_pwait and epoll_pwait2.
#include "oracle.h"

#include <sys/epoll.h>

static int epoll;

static void watch(int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void show(const char *what, int timeout)
{
    struct epoll_event events[4];
    int got = epoll_wait(epoll, events, 4, timeout);
    if (got < 0)
        say_call(what, got);
    else
        say("%s: %d, %x", what, got, got > 0 ? events[0].events : 0);
}

static void *write_later(void *fd)
{
    sleep_ms(20);
    MUST(write(*(int *)fd, "x", 1) == 1);
    return NULL;
}

static void *watch_later(void *fd)
{
    sleep_ms(20);
    watch(*(int *)fd, EPOLLOUT);
    return NULL;
}

static void kinds(int ends[2])
{
    char byte;
    watch(ends[0], EPOLLIN);
    show("nothing", 0);
    long long began = now_ns(CLOCK_MONOTONIC);
    show("time out", 40);
    say_took("  that", began, 40);
    pthread_t thread = start(write_later, &ends[1]);
    show("data comes", -1);
    finish(thread);
    show("level: again", 0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = ends[0]};
    MUST(epoll_ctl(epoll, EPOLL_CTL_MOD, ends[0], &event) == 0);
    show("edge: once", 1000);
    show("edge: not twice", 20);
    thread = start(write_later, &ends[1]);
    show("edge: more data", 10000);
    finish(thread);
    event.events = EPOLLIN | EPOLLONESHOT;
    MUST(epoll_ctl(epoll, EPOLL_CTL_MOD, ends[0], &event) == 0);
    show("one shot: once", 1000);
    thread = start(write_later, &ends[1]);
    show("one shot: not twice", 40);
    finish(thread);
    MUST(epoll_ctl(epoll, EPOLL_CTL_MOD, ends[0], &event) == 0);
    show("one shot: armed again", 1000);
    MUST(read(ends[0], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1);
    say_call("add twice", epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event));
    say_call("remove", epoll_ctl(epoll, EPOLL_CTL_DEL, ends[0], NULL));
    say_call("remove twice", epoll_ctl(epoll, EPOLL_CTL_DEL, ends[0], NULL));
}

static void under_a_waiter(int ends[2])
{
    pthread_t thread = start(watch_later, &ends[1]);
    show("added while waiting", 10000);
    finish(thread);
    MUST(epoll_ctl(epoll, EPOLL_CTL_DEL, ends[1], NULL) == 0);
}

static void nested(int ends[2])
{
    int inner = epoll_create1(EPOLL_CLOEXEC), outer = epoll;
    epoll = inner;
    watch(ends[0], EPOLLIN);
    epoll = outer;
    watch(inner, EPOLLIN);
    pthread_t thread = start(write_later, &ends[1]);
    show("nested", 10000);
    finish(thread);
    struct pollfd item = {.fd = inner, .events = POLLIN};
    say_call("poll of the inner one", poll(&item, 1, 1000));
    char byte;
    MUST(read(ends[0], &byte, 1) == 1);
    thread = start(write_later, &ends[1]);
    say_call("and waited for", poll(&item, 1, 10000));
    finish(thread);
    MUST(close(inner) == 0);
    MUST(read(ends[0], &byte, 1) == 1);
}

static void variants(void)
{
    struct epoll_event event;
    struct timespec span = span_ms(30), wrong = {.tv_nsec = 1000000000};
    sigset_t set;
    sigemptyset(&set);
    long long began = now_ns(CLOCK_MONOTONIC);
    say_call("epoll_pwait", epoll_pwait(epoll, &event, 1, 30, &set));
    say_took("  that", began, 30);
    began = now_ns(CLOCK_MONOTONIC);
    say_call("epoll_pwait2", epoll_pwait2(epoll, &event, 1, &span, &set));
    say_took("  that", began, 30);
    say_call("epoll_pwait2, no such span", epoll_pwait2(epoll, &event, 1, &wrong, NULL));
    say_call("no room for events", epoll_wait(epoll, &event, 0, 0));
    say_call("closed", epoll_wait(997, &event, 1, 0));
    say_call("not an epoll descriptor", epoll_wait(0, &event, 1, 0));
    int file = memfd_create("file", 0);
    say_call("a file", epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event));
    say_call("itself", epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &event));
    MUST(close(file) == 0);
}

static void *body(void *unused)
{
    int ends[2];
    epoll = epoll_create1(EPOLL_CLOEXEC);
    MUST(pipe(ends) == 0);
    kinds(ends);
    under_a_waiter(ends);
    nested(ends);
    variants();
    MUST(close(epoll) == 0 && close(ends[0]) == 0 && close(ends[1]) == 0);
    return unused;
}

int main(void)
{
    begin();
    body(NULL);
    say("in a thread:");
    finish(start(body, NULL));
    return 0;
}
