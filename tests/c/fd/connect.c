// close() under a blocked connect, which waits for a place in the listener's queue: it goes on, and succeeds.
#include "oracle.h"

static sem_t arrived;
static uint16_t port;

static void *connector(void *fd)
{
    struct sockaddr_in address = loopback(port);
    MUST(sem_post(&arrived) == 0);
    say_call("connect", connect((int)(intptr_t)fd, (struct sockaddr *)&address, sizeof address));
    return NULL;
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    int listener = tcp_listener(0);
    port = port_of(listener);
    int first = tcp_connect(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread = start(connector, (void *)(intptr_t)fd);
    MUST(sem_wait(&arrived) == 0);
    settle();
    MUST(close(fd) == 0);
    int other = socket(AF_INET, SOCK_STREAM, 0);
    say("the same number: %d", other == fd);
    int made = accept(listener, NULL, NULL);
    MUST(made >= 0 && close(made) == 0);
    finish(thread);
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    say_call("the new socket's peer", getpeername(other, (struct sockaddr *)&address, &length));
    MUST(close(first) == 0 && close(other) == 0 && close(listener) == 0);
    return 0;
}
