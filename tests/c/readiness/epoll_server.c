// A program with event loops of its own: four threads on one epoll descriptor, edge-triggered and one-shot, a hundred clients
// that block.
#include "oracle.h"

#include <sys/epoll.h>

enum { LOOPS = 4, CLIENTS = 100, ROUNDS = 5 };

static int epoll, listener, finished;
static uint16_t port;

static void arm(int operation, int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET | EPOLLONESHOT, .data.fd = fd};
    MUST(epoll_ctl(epoll, operation, fd, &event) == 0);
}

static void serve(int fd)
{
    char data[64];
    ssize_t got;
    while ((got = recv(fd, data, sizeof data, 0)) > 0)
        MUST(send(fd, data, (size_t)got, 0) == got);
    if (got == 0) {
        MUST(close(fd) == 0);
        __atomic_add_fetch(&finished, 1, __ATOMIC_SEQ_CST);
    } else {
        MUST(errno == EAGAIN);
        arm(EPOLL_CTL_MOD, fd);
    }
}

static void take_all(void)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
        arm(EPOLL_CTL_ADD, fd);
    MUST(errno == EAGAIN);
    arm(EPOLL_CTL_MOD, listener);
}

static void *loop(void *unused)
{
    while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) < CLIENTS) {
        struct epoll_event events[8];
        int count = epoll_wait(epoll, events, 8, 20);
        for (int i = 0; i < count; i++)
            if (events[i].data.fd == listener)
                take_all();
            else
                serve(events[i].data.fd);
    }
    return unused;
}

static void *client(void *unused)
{
    char data[10];
    int fd = tcp_connect(port);
    for (int i = 0; i < ROUNDS; i++) {
        MUST(send(fd, "0123456789", 10, 0) == 10);
        MUST(recv(fd, data, 10, MSG_WAITALL) == 10);
    }
    MUST(close(fd) == 0);
    return unused;
}

int main(void)
{
    begin();
    pthread_t loops[LOOPS], clients[CLIENTS];
    listener = tcp_listener(CLIENTS);
    set_nonblocking(listener);
    port = port_of(listener);
    epoll = epoll_create1(0);
    arm(EPOLL_CTL_ADD, listener);
    for (int i = 0; i < LOOPS; i++)
        loops[i] = start(loop, NULL);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = start_small(client, NULL);
    for (int i = 0; i < CLIENTS; i++)
        finish(clients[i]);
    for (int i = 0; i < LOOPS; i++)
        finish(loops[i]);
    say("finished: %d", finished);
    return 0;
}
