// MSG_PEEK, MSG_WAITALL, MSG_DONTWAIT, MSG_TRUNC, MSG_OOB, MSG_NOSIGNAL, each with a thread that sends bit by bit.
#include "oracle.h"

static int ends[2];

static void *drip(void *text)
{
    for (const char *at = text; *at; at++) {
        sleep_ms(3);
        MUST(send(ends[1], at, 1, 0) == 1);
    }
    return NULL;
}

static void *drip_and_end(void *text)
{
    drip(text);
    MUST(shutdown(ends[1], SHUT_WR) == 0);
    return NULL;
}

static void show(const char *what, ssize_t got, const char *data)
{
    if (got < 0)
        say_call(what, got);
    else
        say("%s: %.*s", what, (int)got, data);
}

int main(void)
{
    begin();
    char data[100];
    tcp_pair(ends);
    pthread_t thread = start(drip, "0123456789");
    show("waiting for all of it", recv(ends[0], data, 10, MSG_WAITALL), data);
    finish(thread);
    thread = start(drip, "ab");
    show("peek", recv(ends[0], data, 1, MSG_PEEK), data);
    show("peek again", recv(ends[0], data, 1, MSG_PEEK), data);
    finish(thread);
    show("peek at both, waiting", recv(ends[0], data, 2, MSG_PEEK | MSG_WAITALL), data);
    show("take them", recv(ends[0], data, sizeof data, 0), data);
    show("not waiting", recv(ends[0], data, sizeof data, MSG_DONTWAIT), data);
    thread = start(drip, "abcdef");
    struct iovec parts[2] = {{data, 2}, {data + 2, 4}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    show("recvmsg, waiting for all", recvmsg(ends[0], &message, MSG_WAITALL), data);
    finish(thread);
    thread = start(drip, "xyz");
    show("thrown away", recv(ends[0], data, 3, MSG_TRUNC | MSG_WAITALL) == 3 ? 0 : -1, data);
    finish(thread);
    MUST(send(ends[1], "!", 1, MSG_OOB) == 1);
    struct pollfd item = {.fd = ends[0], .events = POLLPRI};
    MUST(poll(&item, 1, 5000) == 1);
    show("out of band", recv(ends[0], data, 1, MSG_OOB), data);
    show("out of band again", recv(ends[0], data, 1, MSG_OOB), data);
    thread = start(drip_and_end, "end");
    show("waiting for more than there is", recv(ends[0], data, 50, MSG_WAITALL), data);
    finish(thread);
    show("at the end", recv(ends[0], data, 50, MSG_WAITALL), data);
    say_call("send after shutdown", send(ends[1], "x", 1, MSG_NOSIGNAL));
    say_call("zero bytes", recv(ends[0], data, 0, 0));
    return 0;
}
