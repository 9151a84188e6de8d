// SO_RCVTIMEO and SO_SNDTIMEO: the call gives up with EAGAIN, or with what it has moved so far; poll does not care.
#include "oracle.h"

static int ends[2], listener;

static void *sender(void *delay)
{
    sleep_ms((intptr_t)delay);
    MUST(send(ends[1], "abcdef", 6, 0) == 6);
    return NULL;
}

static void timed(const char *name, ssize_t result, long long began, long least)
{
    say_call(name, result);
    say_took_socket("  that", began, least);
}

static void *body(void *unused)
{
    static char block[1 << 20];
    char data[100];
    long long began = now_ns(CLOCK_MONOTONIC);
    tcp_pair(ends);
    listener = tcp_listener(5);
    set_timeout(ends[0], SO_RCVTIMEO, 40);
    timed("recv", recv(ends[0], data, sizeof data, 0), began, 40);
    began = now_ns(CLOCK_MONOTONIC);
    timed("read", read(ends[0], data, sizeof data), began, 40);
    began = now_ns(CLOCK_MONOTONIC);
    timed("recvfrom", recvfrom(ends[0], data, sizeof data, 0, NULL, NULL), began, 40);
    struct iovec part = {data, sizeof data};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    timed("recvmsg", recvmsg(ends[0], &message, 0), began, 80);
    say_call("recv, not waiting", recv(ends[0], data, sizeof data, MSG_DONTWAIT));

    set_timeout(ends[0], SO_RCVTIMEO, 5000);
    pthread_t thread = start(sender, (void *)20);
    say_call("data in time", recv(ends[0], data, sizeof data, 0));
    finish(thread);
    set_timeout(ends[0], SO_RCVTIMEO, 60);
    MUST(send(ends[1], "abcdef", 6, 0) == 6);
    say_call("MSG_WAITALL gets less", recv(ends[0], data, 10, MSG_WAITALL));
    set_timeout(ends[0], SO_RCVTIMEO, 0);
    thread = start(sender, (void *)20);
    say_call("no timeout any more", recv(ends[0], data, sizeof data, 0));
    finish(thread);

    set_timeout(listener, SO_RCVTIMEO, 40);
    began = now_ns(CLOCK_MONOTONIC);
    timed("accept", accept(listener, NULL, NULL), began, 40);
    say("blocking: %d %d", !is_nonblocking(ends[0]), !is_nonblocking(listener));

    set_timeout(ends[1], SO_SNDTIMEO, 40);
    ssize_t sent;
    do
        sent = send(ends[1], block, sizeof block, 0);
    while (sent > 0);
    say_call("send when full", sent);
    struct timeval told;
    socklen_t length = sizeof told;
    MUST(getsockopt(ends[1], SOL_SOCKET, SO_SNDTIMEO, &told, &length) == 0);
    say("SO_SNDTIMEO told back: %ld.%06ld", (long)told.tv_sec, (long)told.tv_usec);
    MUST(close(ends[0]) == 0 && close(ends[1]) == 0 && close(listener) == 0);

    // A Unix socket's buffer does not grow while nobody reads, so here the parts are told apart.
    stream_pair(ends);
    set_timeout(ends[1], SO_SNDTIMEO, 40);
    sent = send(ends[1], block, sizeof block, 0);
    say("Unix, send moves a part: %d", sent > 0 && sent < (ssize_t)sizeof block);
    began = now_ns(CLOCK_MONOTONIC);
    timed("Unix, send when full", write(ends[1], block, 1), began, 40);
    MUST(close(ends[0]) == 0 && close(ends[1]) == 0);
    return unused;
}

int main(void)
{
    begin();
    finish(start(body, NULL));
    return 0;
}
