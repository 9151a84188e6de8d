// Several threads accept from a listener that does not wait, one of them after an edge of its epoll set. The edge tells once: a connection
// that none of them gets then is lost until another one comes.
#include "oracle.h"
#include <sys/epoll.h>

enum { ACCEPTERS = 4, RUN_MS = 1000 };

static int listener;
static int taken;
static int resting;
static bool rest, over;

// Takes one, if one is there.
static bool take(void)
{
    int fd = accept(listener, NULL, NULL);
    if (fd == -1) {
        MUST(errno == EAGAIN);
        return false;
    }
    MUST(close(fd) == 0);
    __atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST);
    return true;
}

static void *accepter(void *unused)
{
    while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST)) {
        if (__atomic_load_n(&rest, __ATOMIC_SEQ_CST)) {
            __atomic_add_fetch(&resting, 1, __ATOMIC_SEQ_CST);
            while (__atomic_load_n(&rest, __ATOMIC_SEQ_CST))
                sched_yield();
            __atomic_sub_fetch(&resting, 1, __ATOMIC_SEQ_CST);
        }
        take();
    }
    return unused;
}

// The edge has come and there was nothing: then one of the others has it, at the latest in the call that it is in.
static bool somebody_has(int number)
{
    __atomic_store_n(&rest, true, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&resting, __ATOMIC_SEQ_CST) != ACCEPTERS)
        sched_yield();
    bool has = __atomic_load_n(&taken, __ATOMIC_SEQ_CST) == number;
    if (!has)
        MUST(take());
    __atomic_store_n(&rest, false, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&resting, __ATOMIC_SEQ_CST) != 0)
        sched_yield();
    return has;
}

static void *edges(void *unused)
{
    int set = epoll_create1(0), lost = 0;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    struct linger reset = {1, 0};
    uint16_t port = port_of(listener);
    MUST(set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, listener, &event) == 0);
    long long until = now_ns(CLOCK_MONOTONIC) + RUN_MS * 1000000LL;
    for (int number = 1; now_ns(CLOCK_MONOTONIC) < until; number++) {
        int fd = tcp_connect(port);
        MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
        while (__atomic_load_n(&taken, __ATOMIC_SEQ_CST) != number) {
            if (epoll_wait(set, &event, 1, 0) == 1 && !take())
                lost += !somebody_has(number);
            else
                sched_yield();
        }
        MUST(close(fd) == 0);
    }
    say("lost: %d", lost);
    MUST(close(set) == 0);
    return unused;
}

int main(void)
{
    begin();
    pthread_t accepters[ACCEPTERS];
    listener = tcp_listener(20);
    set_nonblocking(listener);
    for (int i = 0; i < ACCEPTERS; i++)
        accepters[i] = start(accepter, NULL);
    finish(start(edges, NULL));
    __atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
    for (int i = 0; i < ACCEPTERS; i++)
        finish(accepters[i]);
    return 0;
}
