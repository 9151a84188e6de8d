// Several threads in accept on one listener, each connection served once; non-blocking listeners and wrong ones.
#include "oracle.h"

static int listener;
static int served;

static void *acceptor(void *unused)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd == -1)
            return (void *)(intptr_t)errno;
        char byte;
        if (recv(fd, &byte, 1, 0) == 1)
            __atomic_add_fetch(&served, byte, __ATOMIC_SEQ_CST);
        MUST(close(fd) == 0);
        if (byte == 100)
            return unused;
    }
}

static void *connector(void *byte)
{
    sleep_ms(10);
    int fd = tcp_connect(port_of(listener));
    char value = (char)(intptr_t)byte;
    MUST(send(fd, &value, 1, 0) == 1);
    MUST(recv(fd, &value, 1, 0) == 0);
    MUST(close(fd) == 0);
    return NULL;
}

int main(void)
{
    begin();
    pthread_t threads[4], clients[10];
    handle(SIGPIPE, SIG_IGN, 0);
    listener = tcp_listener(20);
    for (int i = 0; i < 4; i++)
        threads[i] = start(acceptor, NULL);
    for (int i = 0; i < 10; i++)
        clients[i] = start(connector, (void *)(intptr_t)(i + 1));
    for (int i = 0; i < 10; i++)
        finish(clients[i]);
    for (int i = 0; i < 4; i++)
        finish(start(connector, (void *)100));
    for (int i = 0; i < 4; i++)
        MUST(finish(threads[i]) == NULL);
    say("served: %d", served);
    MUST(fcntl(listener, F_GETFL) == (O_RDWR));
    int fd = accept4(listener, NULL, NULL, 0x1234567);
    say_call("no such flags", fd);
    set_nonblocking(listener);
    say_call("non-blocking listener", accept(listener, NULL, NULL));
    say("it stays non-blocking: %d", is_nonblocking(listener));
    int client = socket(AF_INET, SOCK_STREAM, 0);
    say_call("not listening", accept(client, NULL, NULL));
    say_call("not a socket", accept(0, NULL, NULL));
    MUST(close(client) == 0);
    say_call("closed", accept(client, NULL, NULL));
    return 0;
}
