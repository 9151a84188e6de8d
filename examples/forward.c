/*
 * A port forwarder: what comes to one port goes to another host's, and what comes back from there goes back.
 *
 *     cc forward.c $(pkg-config --cflags --libs greenlet) -o forward && ./forward port host port
 */
#include <greenlet.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *host;
static int port;

static void copy(int from, int to)
{
    char bytes[16384];
    ssize_t n;
    while ((n = recv(from, bytes, sizeof bytes, 0)) > 0 && send(to, bytes, (size_t)n, MSG_NOSIGNAL) == n)
        ;
    shutdown(to, SHUT_WR);
    shutdown(from, SHUT_RD);
}

static void *copy_back(void *sockets)
{
    copy(((int *)sockets)[1], ((int *)sockets)[0]);
    return NULL;
}

static void *forward(void *client)
{
    int sockets[2] = {(int)(intptr_t)client, greenlet_connect_tcp(host, port, NULL)};
    if (sockets[1] >= 0) {
        greenlet_t back = greenlet_spawn(copy_back, sockets);
        if (back != 0) {
            copy(sockets[0], sockets[1]);
            greenlet_join(back, NULL);
        }
        close(sockets[1]);
    }
    close(sockets[0]);
    return NULL;
}

int main(int argc, char **argv)
{
    int listener, client;
    if (argc != 4 || greenlet_init(0) != 0 || (listener = greenlet_tcp_listener(NULL, atoi(argv[1]), 50)) < 0) {
        perror("forward port host port");
        return 1;
    }
    host = argv[2];
    port = atoi(argv[3]);
    puts("ready");
    fflush(stdout);
    while ((client = accept(listener, NULL, NULL)) >= 0) {
        greenlet_t one = greenlet_spawn(forward, (void *)(intptr_t)client);
        if (one == 0)
            close(client);
        else
            greenlet_detach(one);
    }
    perror("accept");
    return 1;
}
