// The plainest server there is: a thread for the listener, one for each connection, blocking calls only. Thirty clients.
#include "oracle.h"

enum { CLIENTS = 30, ROUNDS = 20 };

static int listener;
static uint16_t port;

static void *serve(void *socket)
{
    int fd = (int)(intptr_t)socket;
    char data[512];
    ssize_t got;
    while ((got = recv(fd, data, sizeof data, 0)) > 0)
        MUST(send(fd, data, (size_t)got, 0) == got);
    MUST(got == 0);
    MUST(close(fd) == 0);
    return NULL;
}

static void *listen_and_serve(void *unused)
{
    pthread_t servers[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        int fd = accept(listener, (struct sockaddr *)&peer, &length);
        MUST(fd >= 0 && length == sizeof peer && peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
        servers[i] = start(serve, (void *)(intptr_t)fd);
    }
    for (int i = 0; i < CLIENTS; i++)
        finish(servers[i]);
    return unused;
}

static void *client(void *number)
{
    char sent[100], back[100];
    int fd = tcp_connect(port);
    for (int i = 0; i < ROUNDS; i++) {
        memset(sent, (int)(intptr_t)number + i, sizeof sent);
        MUST(send(fd, sent, sizeof sent, 0) == sizeof sent);
        MUST(recv(fd, back, sizeof back, MSG_WAITALL) == sizeof back);
        MUST(memcmp(sent, back, sizeof sent) == 0);
    }
    MUST(shutdown(fd, SHUT_WR) == 0);
    MUST(recv(fd, back, sizeof back, 0) == 0);
    MUST(close(fd) == 0);
    return number;
}

int main(void)
{
    begin();
    pthread_t clients[CLIENTS];
    long sum = 0;
    listener = tcp_listener(CLIENTS);
    port = port_of(listener);
    pthread_t server = start(listen_and_serve, NULL);
    for (intptr_t i = 0; i < CLIENTS; i++)
        clients[i] = start(client, (void *)i);
    for (int i = 0; i < CLIENTS; i++)
        sum += (intptr_t)finish(clients[i]);
    finish(server);
    say("clients served: sum %ld", sum);
    say("listener blocking: %d", !is_nonblocking(listener));
    return 0;
}
