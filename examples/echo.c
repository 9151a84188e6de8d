/*
 * An echo server: a greenlet for each connection, which is closed after a minute without a byte.
 *
 *     cc echo.c $(pkg-config --cflags --libs greenlet) -o echo && ./echo [port]
 */
#include <greenlet.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void *serve(void *arg)
{
    int client = (int)(intptr_t)arg;
    char bytes[4096];
    for (;;) {
        greenlet_timer_t idle = greenlet_exc_after(60, ETIMEDOUT);
        ssize_t n = recv(client, bytes, sizeof bytes, 0);
        greenlet_timer_cancel(idle);
        if (n <= 0 || send(client, bytes, (size_t)n, MSG_NOSIGNAL) != n)
            break;
    }
    close(client);
    return NULL;
}

int main(int argc, char **argv)
{
    int listener, client;
    if (greenlet_init(0) != 0 || (listener = greenlet_tcp_listener(NULL, argc > 1 ? atoi(argv[1]) : 7000, 50)) < 0) {
        perror("echo");
        return 1;
    }
    puts("ready");
    fflush(stdout);
    while ((client = accept(listener, NULL, NULL)) >= 0) {
        greenlet_t one = greenlet_spawn(serve, (void *)(intptr_t)client);
        if (one == 0)
            close(client);
        else
            greenlet_detach(one);
    }
    perror("accept");
    return 1;
}
