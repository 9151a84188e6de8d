// read and write of no bytes: each kind of file has its own answer, and a socket sends an empty datagram.
#include "oracle.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

static void *body(void *unused)
{
    int pair[2], ends[2];
    char data[10];
    struct iovec nothing = {data, 0};
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    say_call("write to datagrams", write(ends[0], "", 0));
    say_call("recv", recv(ends[1], data, sizeof data, MSG_DONTWAIT));
    say_call("writev to datagrams", writev(ends[0], &nothing, 1));
    say_call("recv", recv(ends[1], data, sizeof data, MSG_DONTWAIT));
    say_call("read from datagrams", read(ends[0], data, 0));
    int event = eventfd(0, 0), timer = timerfd_create(CLOCK_MONOTONIC, 0);
    say_call("write to an eventfd", write(event, "", 0));
    say_call("read from an eventfd", read(event, data, 0));
    say_call("readv from an eventfd", readv(event, &nothing, 1));
    say_call("read from a timer", read(timer, data, 0));
    MUST(pipe(pair) == 0);
    say_call("write to a pipe", write(pair[1], "", 0));
    say_call("read from a pipe", read(pair[0], data, 0));
    say_call("read from the wrong end", read(pair[1], data, 0));
    say_call("read from nothing", read(-1, data, 0));
    tcp_pair(ends);
    say_call("write to a connection", write(ends[0], "", 0));
    say_call("read from a connection", read(ends[0], data, 0));
    return unused;
}

int main(void)
{
    begin();
    finish(start(body, NULL));
    return 0;
}
