// greenlet_tcp_listener and greenlet_connect_tcp: both families, errors, time-outs, many at a time. Prints what it finds wrong, or that
// all is right.
#include "greenlets.h"
#include <greenlet.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 200 };

static int port_of(int socket)
{
    struct sockaddr_in6 own;
    socklen_t len = sizeof own;
    CHECK(getsockname(socket, (struct sockaddr *)&own, &len) == 0);
    return ntohs(own.sin6_port); // where IPv4 has it too
}

static int option(int socket, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    CHECK(getsockopt(socket, level, name, &value, &len) == 0);
    return value;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool has_ipv6(void)
{
    int socket = greenlet_tcp_listener("::1", 0, 1);
    if (socket >= 0)
        close(socket);
    return socket >= 0;
}

// Two listeners with one port, which nobody else may have of either family.
static void make_pair(const char *one, const char *two, int backlog, int listeners[2])
{
    for (int tries = 0; tries < 50; tries++) {
        listeners[0] = greenlet_tcp_listener(one, 0, backlog);
        listeners[1] = greenlet_tcp_listener(two, port_of(listeners[0]), 8);
        if (listeners[1] >= 0)
            return;
        CHECK(errno == EADDRINUSE && close(listeners[0]) == 0);
    }
    CHECK(false);
}

// ---- what is made ---------------------------------------------------------------------------------------------

static void meet(int listener, const char *host, const char *local)
{
    char byte = 0;
    int client = greenlet_connect_tcp(host, port_of(listener), local);
    CHECK(client >= 0);
    int server = accept(listener, NULL, NULL);
    CHECK(server >= 0 && send(server, "x", 1, 0) == 1 && recv(client, &byte, 1, 0) == 1 && byte == 'x');
    CHECK((fcntl(client, F_GETFL) & O_NONBLOCK) == 0 && (fcntl(client, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(close(client) == 0 && close(server) == 0);
}

static void families(void)
{
    int both = greenlet_tcp_listener(NULL, 0, 50), four = greenlet_tcp_listener("127.0.0.1", 0, 50);
    CHECK(both >= 0 && four >= 0);
    CHECK(option(both, SOL_SOCKET, SO_REUSEADDR) == 1 && option(both, SOL_SOCKET, SO_ACCEPTCONN) == 1);
    CHECK((fcntl(both, F_GETFL) & O_NONBLOCK) == 0 && (fcntl(both, F_GETFD) & FD_CLOEXEC) != 0);
    meet(both, "127.0.0.1", NULL);
    meet(both, NULL, NULL);
    meet(four, "both.test", NULL); // ::1 refuses
    meet(four, "127.0.0.1", "127.0.0.1");
    if (has_ipv6()) {
        int six = greenlet_tcp_listener("::1", 0, 50), beside[2];
        meet(both, "::1", NULL);
        meet(six, "::1", "::1");
        CHECK(option(six, IPPROTO_IPV6, IPV6_V6ONLY) == 1 && option(both, IPPROTO_IPV6, IPV6_V6ONLY) == 0);
        make_pair("::", "0.0.0.0", 8, beside); // IPv6 alone leaves the other family's port
        CHECK(close(beside[0]) == 0 && close(beside[1]) == 0 && close(six) == 0);
    }
    CHECK(greenlet_tcp_listener("127.0.0.1", port_of(four), 1) == -1 && errno == EADDRINUSE);
    CHECK(close(both) == 0 && close(four) == 0);
}

static void errors(void)
{
    int listener = greenlet_tcp_listener("127.0.0.1", 0, 1), port = port_of(listener);
    CHECK(greenlet_connect_tcp("127.0.0.1", port, "192.0.2.1") == -1 && errno == EADDRNOTAVAIL);
    CHECK(greenlet_connect_tcp("127.0.0.1", port, "::1") == -1 && errno == EADDRNOTAVAIL);
    CHECK(close(listener) == 0);
    CHECK(greenlet_connect_tcp("127.0.0.1", port, NULL) == -1 && errno == ECONNREFUSED);
    CHECK(greenlet_connect_tcp("127.0.0.1", 65536, NULL) == -1 && errno == EINVAL);
    CHECK(greenlet_connect_tcp("127.0.0.1", -1, NULL) == -1 && errno == EINVAL);
    CHECK(greenlet_tcp_listener(NULL, 65536, 1) == -1 && errno == EINVAL);
    CHECK(greenlet_tcp_listener("192.0.2.1", 0, 1) == -1 && errno == EADDRNOTAVAIL);
    errno = 0;
    CHECK(greenlet_connect_tcp("no such host", 1, NULL) == -1 && (errno == ENOENT || errno == EAGAIN));
    int open = dup(0);
    CHECK(open == listener && close(open) == 0); // none of the sockets is left
}

// ---- waiting --------------------------------------------------------------------------------------------------

static int listener;

static void *serves(void *unused)
{
    for (int i = 0; i < MANY; i++) {
        int socket = accept(listener, NULL, NULL);
        CHECK(socket >= 0 && send(socket, "y", 1, 0) == 1 && close(socket) == 0);
    }
    return unused;
}

static void *asks(void *unused)
{
    char byte = 0;
    int socket = greenlet_connect_tcp("localhost", port_of(listener), NULL);
    CHECK(socket >= 0 && recv(socket, &byte, 1, 0) == 1 && byte == 'y' && close(socket) == 0);
    return unused;
}

static void many(void)
{
    greenlet_t all[MANY / 2], server;
    pthread_t threads[MANY / 2];
    CHECK((listener = greenlet_tcp_listener(NULL, 0, MANY)) >= 0);
    CHECK((server = greenlet_spawn(serves, NULL)) != 0);
    for (int i = 0; i < MANY / 2; i++) {
        CHECK((all[i] = greenlet_spawn(asks, NULL)) != 0);
        CHECK(pthread_create(&threads[i], NULL, asks, NULL) == 0);
    }
    for (int i = 0; i < MANY / 2; i++)
        CHECK(greenlet_join(all[i], NULL) == 0 && pthread_join(threads[i], NULL) == 0);
    CHECK(greenlet_join(server, NULL) == 0 && close(listener) == 0);
}

// Fills the listener's backlog, so that the kernel leaves the next without an answer.
static int fill(int backlog_of, int *held, int n)
{
    struct sockaddr_in6 own;
    socklen_t len = sizeof own;
    CHECK(getsockname(backlog_of, (struct sockaddr *)&own, &len) == 0);
    for (int i = 0; i < n; i++) {
        held[i] = socket(own.sin6_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
        CHECK(connect(held[i], (struct sockaddr *)&own, len) == 0 || errno == EINPROGRESS);
    }
    return port_of(backlog_of);
}

static void *is_killed(void *port)
{
    (void)greenlet_connect_tcp("127.0.0.1", (int)(intptr_t)port, NULL);
    CHECK(false);
    return NULL;
}

static void timeouts(void)
{
    int held[8], full = greenlet_tcp_listener("127.0.0.1", 0, 0), port = fill(full, held, 8);
    double begin = now();
    void *value = NULL;
    CHECK(greenlet_exc_after(0.05, ETIME) != 0);
    CHECK(greenlet_connect_tcp("127.0.0.1", port, NULL) == -1 && errno == ETIME);
    CHECK(now() - begin >= 0.05 && now() - begin < 5);
    greenlet_t one = greenlet_spawn(is_killed, (void *)(intptr_t)port);
    CHECK(greenlet_sleep(0.02) == 0 && greenlet_kill(one) == 0);
    CHECK(greenlet_join(one, &value) == 0 && value == GREENLET_KILLED);
    for (int i = 0; i < 8; i++)
        close(held[i]);
    int next = dup(0);
    CHECK(next == held[0] && close(next) == 0 && close(full) == 0); // the killed one's socket is closed
}

// The first family's address does not answer, the second's does: it wins after a quarter of a second.
static void happy_eyeballs(void)
{
    int held[8], pair[2];
    make_pair("::1", "127.0.0.1", 0, pair);
    int port = fill(pair[0], held, 8);
    double begin = now();
    int socket = greenlet_connect_tcp("both.test", port, NULL);
    double took = now() - begin;
    struct sockaddr_in6 peer = {0};
    socklen_t len = sizeof peer;
    CHECK(socket >= 0 && getpeername(socket, (struct sockaddr *)&peer, &len) == 0 && peer.sin6_family == AF_INET);
    CHECK(0.24 <= took && took < 0.8); // the kernel's own next try is after a second
    close(socket);
    for (int i = 0; i < 8; i++)
        close(held[i]);
    CHECK(close(pair[0]) == 0 && close(pair[1]) == 0);
}

int main(void)
{
    alarm(60);
    setvbuf(stdout, NULL, _IOLBF, 0);
    families(); // natively
    CHECK(greenlet_init(0) == 0);
    families();
    errors();
    many();
    timeouts();
    if (has_ipv6())
        happy_eyeballs();
    if (wrong == 0)
        puts("all is right");
    return wrong != 0;
}
