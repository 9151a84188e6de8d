// What accept4's flags make of the new descriptor, and that nothing of the listener's own mode is inherited.
#include "oracle.h"

static int listener;

static void *connector(void *unused)
{
    char byte;
    sleep_ms(10);
    int fd = tcp_connect(port_of(listener));
    MUST(recv(fd, &byte, 1, 0) == 0);
    MUST(close(fd) == 0);
    return unused;
}

static void accept_with(int flags)
{
    struct sockaddr_in peer;
    socklen_t length = 4;
    pthread_t thread = start(connector, NULL);
    int fd = accept4(listener, (struct sockaddr *)&peer, &length, flags);
    MUST(fd >= 0);
    say("flags %x: non-blocking %d, close-on-exec %d, length %d", (unsigned)flags, is_nonblocking(fd),
        (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, (int)length);
    MUST(close(fd) == 0);
    finish(thread);
}

int main(void)
{
    begin();
    listener = tcp_listener(5);
    accept_with(0);
    accept_with(SOCK_NONBLOCK);
    accept_with(SOCK_CLOEXEC);
    accept_with(SOCK_NONBLOCK | SOCK_CLOEXEC);
    pthread_t thread = start(connector, NULL);
    struct pollfd item = {.fd = listener, .events = POLLIN};
    set_nonblocking(listener);
    MUST(poll(&item, 1, 5000) == 1);
    int fd = accept(listener, NULL, NULL);
    say("from a non-blocking listener: non-blocking %d", is_nonblocking(fd));
    MUST(close(fd) == 0);
    finish(thread);
    return 0;
}
