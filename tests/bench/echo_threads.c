/* The plainest server there is: one thread for each connection, blocking recv and send.
 *
 * echo_threads [port]     prints "port N", then serves until it is killed
 *
 * It runs bare (kernel threads) and under the library (green threads). It sets no thread attributes and uses no non-blocking
 * descriptor: whatever it gains under the library, it gained without being written for it. */
#include "bench.h"

static void send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return; /* the client has gone; the next recv says so too */
        data += sent;
        size -= (size_t)sent;
    }
}

static void *serve(void *argument)
{
    int fd = (int)(intptr_t)argument;
    char buffer[1024];
    for (;;) {
        ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        send_all(fd, buffer, (size_t)got);
    }
    close(fd);
    return NULL;
}

static void serve_in_thread(int fd, const pthread_attr_t *detached)
{
    pthread_t thread;
    check("pthread_create", pthread_create(&thread, detached, serve, (void *)(intptr_t)fd));
}

int main(int argc, char **argv)
{
    pthread_attr_t detached;
    raise_descriptor_limit();
    check("pthread_attr_init", pthread_attr_init(&detached));
    check("pthread_attr_setdetachstate", pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED));
    int listener = listen_and_say(argc > 1 ? (int)number("port", argv[1], 0, 65535) : 0, 0);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0)
            die("accept", errno);
        no_delay(fd);
        serve_in_thread(fd, &detached);
    }
}
