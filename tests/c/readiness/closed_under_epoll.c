// close() of an epoll descriptor in which a thread waits, dup2 over a descriptor under select: the wait is for the files that it
// began with. epoll_wait goes on with its own file, select looks its numbers up again once one of those has woken it.
#include "oracle.h"
#include <sys/epoll.h>
#include <sys/select.h>

static sem_t arrived;

static void *epoll_waiter(void *fd)
{
    struct epoll_event event = {0};
    MUST(sem_post(&arrived) == 0);
    int got = epoll_wait((int)(intptr_t)fd, &event, 1, 10000);
    say("epoll_wait: %d, %x, %lx", got, got == 1 ? event.events : 0, got == 1 ? (long)event.data.u64 : 0);
    say_call("and again", epoll_wait((int)(intptr_t)fd, &event, 1, 0));
    return NULL;
}

static void *select_waiter(void *fd)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET((int)(intptr_t)fd, &set);
    struct timeval limit = {10, 0};
    MUST(sem_post(&arrived) == 0);
    say_call("select", select((int)(intptr_t)fd + 1, &set, NULL, NULL, &limit));
    return NULL;
}

static pthread_t waiting(void *(*body)(void *), int fd)
{
    pthread_t thread = start(body, (void *)(intptr_t)fd);
    MUST(sem_wait(&arrived) == 0);
    settle();
    return thread;
}

int main(void)
{
    begin();
    int ends[2];
    MUST(sem_init(&arrived, 0, 0) == 0);
    stream_pair(ends);
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x1234};
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0);
    pthread_t thread = waiting(epoll_waiter, epoll);
    MUST(close(epoll) == 0);
    sleep_ms(20);
    MUST(send(ends[1], "x", 1, 0) == 1);
    finish(thread);

    // The number is a pipe's, which has something to read.
    epoll = epoll_create1(0);
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[1], &event) == 0);
    thread = waiting(epoll_waiter, epoll);
    int other[2];
    MUST(pipe(other) == 0 && write(other[1], "y", 1) == 1);
    MUST(dup2(other[0], epoll) == epoll);
    sleep_ms(20);
    MUST(send(ends[0], "x", 1, 0) == 1);
    finish(thread);
    MUST(close(epoll) == 0 && close(other[0]) == 0 && close(other[1]) == 0);
    MUST(close(ends[0]) == 0 && close(ends[1]) == 0);

    // A descriptor that is closed leaves the program's epoll, unless a call still holds it.
    stream_pair(ends);
    epoll = epoll_create1(0);
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0);
    MUST(close(ends[0]) == 0);
    say_call("nothing is left", epoll_wait(epoll, &event, 1, 30));
    MUST(close(epoll) == 0 && close(ends[1]) == 0);

    stream_pair(ends);
    thread = waiting(select_waiter, ends[0]);
    stream_pair(other);
    MUST(dup2(other[0], ends[0]) == ends[0]);
    MUST(write(other[1], "x", 1) == 1);
    sleep_ms(20);
    say("still: %d", pthread_tryjoin_np(thread, NULL) == EBUSY);
    MUST(write(ends[1], "x", 1) == 1);
    finish(thread);
    say_call("the end", send(ends[1], "x", 1, MSG_NOSIGNAL));
    return 0;
}
