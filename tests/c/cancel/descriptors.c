// A thread cancelled while it waits for a descriptor: its cleanup handler runs, the joiner is told, and the descriptor is
// as it was.
#include "oracle.h"

#include <sys/epoll.h>
#include <sys/select.h>

static int ends[2], sockets[2], listener, epoll, full[2];
static sem_t arrived;

static void clean(void *what)
{
    say("cleanup: %s", (char *)what);
}

static void wait_in_read(void)
{
    char byte;
    say_call("never", read(ends[0], &byte, 1));
}

static void wait_in_recv(void)
{
    char byte;
    say_call("never", recv(sockets[0], &byte, 1, MSG_WAITALL));
}

static void wait_in_recvfrom(void)
{
    char byte;
    say_call("never", recvfrom(sockets[0], &byte, 1, 0, NULL, NULL));
}

static void wait_in_recvmsg(void)
{
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    say_call("never", recvmsg(sockets[0], &message, 0));
}

static void wait_in_recvmsg_for_all(void)
{
    char bytes[4];
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    say_call("never", recvmsg(sockets[0], &message, MSG_WAITALL));
}

static void wait_in_accept(void)
{
    say_call("never", accept(listener, NULL, NULL));
}

static void wait_in_poll(void)
{
    struct pollfd item = {.fd = ends[0], .events = POLLIN};
    say_call("never", poll(&item, 1, -1));
}

static void wait_in_select(void)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    say_call("never", select(ends[0] + 1, &set, NULL, NULL, NULL));
}

static void wait_in_epoll(void)
{
    struct epoll_event event;
    say_call("never", epoll_wait(epoll, &event, 1, -1));
}

static void wait_in_write(void)
{
    static char block[1 << 16];
    for (;;)
        MUST(write(full[1], block, sizeof block) > 0);
}

static void wait_in_send(void)
{
    static char block[1 << 16];
    for (;;)
        MUST(send(sockets[0], block, sizeof block, 0) > 0);
}

static const struct {
    const char *name;
    void (*wait)(void);
} waits[] = {
    {"read", wait_in_read},     {"recv", wait_in_recv},    {"recvfrom", wait_in_recvfrom}, {"recvmsg", wait_in_recvmsg},
    {"recvmsg for all", wait_in_recvmsg_for_all},
    {"accept", wait_in_accept}, {"poll", wait_in_poll},     {"select", wait_in_select},     {"epoll_wait", wait_in_epoll},
    {"write", wait_in_write},   {"send", wait_in_send},
};

static void *body(void *which)
{
    intptr_t i = (intptr_t)which;
    pthread_cleanup_push(clean, (void *)waits[i].name);
    MUST(sem_post(&arrived) == 0);
    waits[i].wait();
    pthread_cleanup_pop(0);
    return NULL;
}

int main(void)
{
    begin();
    char byte;
    MUST(sem_init(&arrived, 0, 0) == 0 && pipe(ends) == 0 && pipe(full) == 0);
    stream_pair(sockets);
    listener = tcp_listener(5);
    epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0);
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        pthread_t thread = start(body, (void *)i);
        MUST(sem_wait(&arrived) == 0);
        sleep_ms(20);
        int error = pthread_cancel(thread);
        void *value = finish(thread);
        say("%s: %s, cancelled: %d", waits[i].name, error_name(error), value == PTHREAD_CANCELED);
    }
    say("left non-blocking: %d %d %d %d", is_nonblocking(ends[0]), is_nonblocking(full[1]), is_nonblocking(sockets[0]),
        is_nonblocking(listener));
    MUST(write(ends[1], "x", 1) == 1);
    say_call("the pipe still works", read(ends[0], &byte, 1));
    int client = tcp_connect(port_of(listener));
    say("the listener still works: %d", accept(listener, NULL, NULL) >= 0);
    MUST(close(client) == 0);
    return 0;
}
