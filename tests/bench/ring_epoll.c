/* The yardstick of ring.c: the same pipes and tokens, moved by one thread with level-triggered epoll.
 *
 * ring_epoll SECONDS PIPES     prints "ns_per_hop N" */
#include "ring.h"

#include <sys/epoll.h>

enum { EVENTS = 512 };

static int poller;

static void watch_all(void)
{
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        die("epoll_create1", errno);
    for (uint32_t i = 0; i < places; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, pipes[i][0], &event) != 0)
            die("epoll_ctl", errno);
    }
}

static uint64_t run(uint64_t count)
{
    struct epoll_event events[EVENTS];
    struct token token;
    uint64_t start = now_ns();
    put_all(count);
    for (int ended = 0; ended < TOKENS;) {
        int ready = epoll_wait(poller, events, EVENTS, -1);
        if (ready < 0 && errno != EINTR)
            die("epoll_wait", errno);
        for (int i = 0; i < ready; i++)
            if (take(events[i].data.u32, &token) && !pass(token))
                ended++;
    }
    return now_ns() - start;
}

int main(int argc, char **argv)
{
    return ring_main(argc, argv, O_NONBLOCK, watch_all, run);
}
