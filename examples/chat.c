/*
 * A chat server: each line goes to all others who are there. Who says nothing for some seconds is sent away, and so is who does not read.
 *
 *     cc chat.c $(pkg-config --cflags --libs greenlet) -o chat && ./chat [port [seconds]]
 */
#include <greenlet.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 100 };

static int there[MOST]; /* their sockets; 0 for nobody. Greenlets take turns: no lock */
static double patience;

static void tell_others(int speaker, const char *text, size_t length)
{
    for (int i = 0; i < MOST; i++)
        if (there[i] != 0 && there[i] != speaker && send(there[i], text, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length)
            shutdown(there[i], SHUT_RDWR); /* its own greenlet sees the end */
}

static ssize_t listen_to(int client, char *text, size_t room)
{
    greenlet_timer_t timer = greenlet_exc_after(patience, ETIME);
    ssize_t n = recv(client, text, room, 0);
    int error = errno;
    greenlet_timer_cancel(timer);
    errno = error;
    return n;
}

static void *talk(void *place)
{
    int client = *(int *)place;
    char text[1024];
    ssize_t n;
    while ((n = listen_to(client, text, sizeof text)) > 0)
        tell_others(client, text, (size_t)n);
    if (n < 0 && errno == ETIME)
        send(client, "you are asleep\n", 15, MSG_NOSIGNAL | MSG_DONTWAIT);
    *(int *)place = 0;
    tell_others(client, "somebody left\n", 14);
    close(client);
    return NULL;
}

static int *free_place(void)
{
    for (int i = 0; i < MOST; i++)
        if (there[i] == 0)
            return &there[i];
    return NULL;
}

int main(int argc, char **argv)
{
    int listener, client;
    if (greenlet_init(0) != 0 || (listener = greenlet_tcp_listener(NULL, argc > 1 ? atoi(argv[1]) : 7001, 50)) < 0) {
        perror("chat");
        return 1;
    }
    patience = argc > 2 ? atof(argv[2]) : 300;
    puts("ready");
    fflush(stdout);
    while ((client = accept(listener, NULL, NULL)) >= 0) {
        int *place = free_place();
        greenlet_t one = 0;
        if (place != NULL) {
            *place = client;
            one = greenlet_spawn(talk, place);
        }
        if (one != 0) {
            greenlet_detach(one);
            continue;
        }
        if (place != NULL)
            *place = 0;
        close(client);
    }
    perror("accept");
    return 1;
}
