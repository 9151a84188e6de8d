// A listener and a connection inherited by a child that blocks on them too: the description is shared, so nobody may change its
// mode, and a connection taken by one must not hang the other.
#include "oracle.h"

static int listener;

static void *take(void *many)
{
    for (intptr_t i = 0; i < (intptr_t)many; i++) {
        int fd = accept(listener, NULL, NULL);
        MUST(fd >= 0);
        MUST(send(fd, "k", 1, 0) == 1);
        MUST(close(fd) == 0);
    }
    return NULL;
}

int main(void)
{
    begin();
    char byte;
    int served = 0;
    listener = tcp_listener(50);
    uint16_t port = port_of(listener);
    finish(start(return_it, NULL));
    pid_t child = fork();
    if (child == 0) {
        begin();
        pthread_t thread = start(take, (void *)10);
        take((void *)10);
        finish(thread);
        _exit(is_nonblocking(listener));
    }
    pthread_t first = start(take, (void *)10), second = start(take, (void *)10);
    for (int i = 0; i < 40; i++) {
        int fd = tcp_connect(port);
        served += recv(fd, &byte, 1, 0) == 1;
        MUST(close(fd) == 0);
    }
    finish(first);
    finish(second);
    say("served: %d", served);
    say_child("child", child);
    say("blocking: %d", !is_nonblocking(listener));
    return 0;
}
