/* The yardstick: the same echo server as a hand-written event loop, one thread, level-triggered epoll.
 *
 * echo_epoll [port]       prints "port N", then serves until it is killed
 *
 * It makes the fewest system calls that the protocol allows: one recv and one send a request, and no second recv to see
 * EAGAIN, which level triggering spares. Unsent bytes wait in the connection and reading stops until they are gone. */
#include "bench.h"

#include <sys/epoll.h>

enum { EVENTS = 512, BUFFER = 1024 };

struct connection {
    int fd;
    size_t start, end; /* unsent bytes of data */
    char data[BUFFER];
};

static int poller;

static void watch(int operation, int fd, uint32_t events, void *tag)
{
    struct epoll_event event = {.events = events, .data.ptr = tag};
    if (epoll_ctl(poller, operation, fd, &event) != 0)
        die("epoll_ctl", errno);
}

static void drop(struct connection *c)
{
    close(c->fd);
    free(c);
}

static void add(int fd)
{
    struct connection *c = malloc(sizeof *c);
    if (c == NULL)
        die("malloc", ENOMEM);
    c->fd = fd;
    c->start = c->end = 0;
    no_delay(fd);
    watch(EPOLL_CTL_ADD, fd, EPOLLIN, c);
}

static void accept_all(int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            add(fd);
        else if (errno == EAGAIN)
            return;
        else if (errno != EINTR && errno != ECONNABORTED)
            die("accept4", errno);
    }
}

/* 1: all sent; 0: the socket is full; -1: the client has gone. */
static int flush_data(struct connection *c)
{
    while (c->start < c->end) {
        ssize_t sent = send(c->fd, c->data + c->start, c->end - c->start, MSG_NOSIGNAL);
        if (sent >= 0)
            c->start += (size_t)sent;
        else if (errno == EAGAIN)
            return 0;
        else if (errno != EINTR)
            return -1;
    }
    return 1;
}

static void readable(struct connection *c)
{
    ssize_t got = recv(c->fd, c->data, sizeof c->data, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        drop(c);
        return;
    }
    c->start = 0;
    c->end = (size_t)got;
    int sent = flush_data(c);
    if (sent < 0)
        drop(c);
    else if (sent == 0)
        watch(EPOLL_CTL_MOD, c->fd, EPOLLOUT, c);
}

static void writable(struct connection *c)
{
    int sent = flush_data(c);
    if (sent < 0)
        drop(c);
    else if (sent == 1)
        watch(EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
}

static void ready(struct connection *c)
{
    if (c->start < c->end)
        writable(c);
    else
        readable(c);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    raise_descriptor_limit();
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        die("epoll_create1", errno);
    int listener = listen_and_say(argc > 1 ? (int)number("port", argv[1], 0, 65535) : 0, SOCK_NONBLOCK);
    watch(EPOLL_CTL_ADD, listener, EPOLLIN, NULL); /* the only event without a connection */
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS, -1);
        if (count < 0 && errno != EINTR)
            die("epoll_wait", errno);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                accept_all(listener);
            else
                ready(events[i].data.ptr);
        }
    }
}
