// What the socket calls refuse, with several threads alive: closed numbers, files, null pointers, wrong lengths.
#include "oracle.h"

#include <sys/select.h>
#include <sys/uio.h>

static void *body(void *unused)
{
    char data[10];
    int ends[2], fd = open("/dev/null", O_RDWR);
    // Volatile, so that the compiler does not see what is wrong with them.
    void *volatile nowhere = (void *)8;
    volatile int negative = -1, huge = 100000;
    struct iovec bad_part = {nowhere, 5};
    struct msghdr bad_message = {.msg_iov = &bad_part, .msg_iovlen = 1};
    say_call("recv, closed", recv(999, data, 1, 0));
    say_call("send, closed", send(999, data, 1, 0));
    say_call("recv, a file", recv(fd, data, 1, 0));
    say_call("send, a file", send(fd, data, 1, 0));
    say_call("recvmsg, a file", recvmsg(fd, &bad_message, 0));
    say_call("accept, a file", accept(fd, NULL, NULL));
    say_call("recv, -1", recv(-1, data, 1, 0));
    stream_pair(ends);
    MUST(send(ends[1], "abc", 3, 0) == 3);
    say_call("recv to nowhere", recv(ends[0], nowhere, 3, 0));
    say_call("read to nowhere", read(ends[0], nowhere, 3));
    say_call("recvmsg to nowhere", recvmsg(ends[0], &bad_message, 0));
    say_call("recvmsg, message nowhere", recvmsg(ends[0], nowhere, 0));
    say_call("send from nowhere", send(ends[0], nowhere, 3, 0));
    say_call("write from nowhere", write(ends[0], nowhere, 3));
    say_call("readv, negative count", readv(ends[0], &bad_part, negative));
    say_call("readv, too many", readv(ends[0], &bad_part, huge));
    say_call("readv, vectors nowhere", readv(ends[0], nowhere, 1));
    say_call("writev, vectors nowhere", writev(ends[0], nowhere, 1));
    say_call("sendmsg, message nowhere", sendmsg(ends[0], nowhere, 0));
    say_call("sendmsg, vectors nowhere", sendmsg(ends[0], &(struct msghdr){.msg_iov = nowhere, .msg_iovlen = 1}, 0));
    say_call("sendmsg, too many vectors", sendmsg(ends[0], &(struct msghdr){.msg_iov = &bad_part, .msg_iovlen = huge}, 0));
    say_call("sendmmsg, messages nowhere", sendmmsg(ends[0], nowhere, 1, 0));
    say_call("writev, too long", writev(ends[0], &(struct iovec){data, (size_t)negative}, 1));
    struct timespec short_time = {0, 1000000};
    say_call("select, set nowhere", pselect(ends[0] + 1, nowhere, NULL, NULL, &short_time, NULL));
    say_call("pselect, mask nowhere", pselect(0, NULL, NULL, NULL, &short_time, nowhere));
    say_call("ppoll, mask nowhere", ppoll(NULL, 0, &short_time, nowhere));
    say_call("it is all still there", recv(ends[0], data, sizeof data, 0));
    struct sockaddr_un unnamed = {.sun_family = AF_UNIX};
    say_call("sendto a connected one", sendto(ends[0], "x", 1, 0, (struct sockaddr *)&unnamed, 2));
    int unconnected = socket(AF_INET, SOCK_STREAM, 0);
    say_call("recv, unconnected", recv(unconnected, data, 1, 0));
    say_call("send, unconnected", send(unconnected, data, 1, MSG_NOSIGNAL));
    say_call("listen, a file", listen(fd, 1));
    say_call("bind, a file", bind(fd, NULL, 0));
    say_call("socket, no such family", socket(9999, SOCK_STREAM, 0));
    say_call("socketpair, not for TCP", socketpair(AF_INET, SOCK_STREAM, 0, ends));
    say_call("close, closed", close(999));
    MUST(close(fd) == 0 && close(unconnected) == 0);
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
