// Connections that are not made: refused, repeated, timed out, to a wrong address; and the blocking mode afterwards.
#include "oracle.h"

static void *body(void *unused)
{
    int listener = tcp_listener(1);
    uint16_t port = port_of(listener);
    struct sockaddr_in address = loopback(port);
    MUST(close(listener) == 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0), error = -1;
    socklen_t length = sizeof error;
    say_call("refused", connect(fd, (struct sockaddr *)&address, sizeof address));
    MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0);
    say_error("SO_ERROR afterwards", error);
    say("blocking: %d", !is_nonblocking(fd));
    say_call("recv", recv(fd, &error, 1, 0));
    say_call("send", send(fd, &error, 1, MSG_NOSIGNAL));
    say_call("refused again", connect(fd, (struct sockaddr *)&address, sizeof address));
    MUST(close(fd) == 0);

    listener = tcp_listener(5);
    address = loopback(port_of(listener));
    fd = socket(AF_INET, SOCK_STREAM, 0);
    say_call("connect", connect(fd, (struct sockaddr *)&address, sizeof address));
    say_call("connect again", connect(fd, (struct sockaddr *)&address, sizeof address));
    say("blocking: %d", !is_nonblocking(fd));
    say_call("the listener itself", connect(listener, (struct sockaddr *)&address, sizeof address));
    MUST(close(fd) == 0);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    long result = connect(fd, (struct sockaddr *)&address, sizeof address);
    say("non-blocking: %d", result == 0 || errno == EINPROGRESS);
    struct pollfd item = {.fd = fd, .events = POLLOUT};
    say_call("poll", poll(&item, 1, 5000));
    length = sizeof error;
    MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0);
    say_error("SO_ERROR", error);
    say("still non-blocking: %d", is_nonblocking(fd));
    MUST(close(fd) == 0);

    fd = socket(AF_INET, SOCK_STREAM, 0);
    say_call("too short an address", connect(fd, (struct sockaddr *)&address, 4));
    struct sockaddr_un other = {.sun_family = AF_UNIX, .sun_path = "x"};
    say_call("another family", connect(fd, (struct sockaddr *)&other, sizeof other));
    say_call("no address", connect(fd, NULL, sizeof address));
    MUST(close(fd) == 0);
    say_call("closed", connect(fd, (struct sockaddr *)&address, sizeof address));
    say_call("not a socket", connect(0, (struct sockaddr *)&address, sizeof address));
    MUST(close(listener) == 0);
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
