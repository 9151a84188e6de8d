// greenlet_ssl_listener and greenlet_connect_ssl, both ends in one program. Prints what it finds wrong, or that all is right.
// greenlets_tls FOLDER: authority.pem, server.pem and .key (for localhost), other.pem and .key, client.pem and .key
#include "greenlets.h"

#include <fcntl.h>
#include <greenlet.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MANY = 50, BULK = 1 << 20 };

static char authority[PATH_MAX], server[PATH_MAX], server_key[PATH_MAX], other_key[PATH_MAX], client[PATH_MAX];

static int port_of(int fd)
{
    struct sockaddr_in6 address;
    socklen_t len = sizeof address;
    CHECK(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    return ntohs(address.sin6_port); // in both families at the same place
}

static bool send_all(int fd, const char *data, size_t len)
{
    for (ssize_t n; len > 0; data += n, len -= (size_t)n)
        if ((n = send(fd, data, len, MSG_NOSIGNAL)) <= 0)
            return false;
    return true;
}

static void *echo(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char data[4096];
    for (ssize_t n; (n = recv(fd, data, sizeof data, 0)) > 0;)
        if (!send_all(fd, data, (size_t)n))
            break;
    close(fd);
    return NULL;
}

static void *serve(void *arg)
{
    int listener = (int)(intptr_t)arg;
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;)
        greenlet_detach(greenlet_spawn(echo, (void *)(intptr_t)fd));
    return NULL;
}

static void *talk(void *arg)
{
    int fd = greenlet_connect_ssl("localhost", (int)(intptr_t)arg, authority);
    CHECK(fd >= 0);
    static const char hello[] = "hello";
    char data[sizeof hello];
    for (int i = 0; i < 20; i++) {
        CHECK(send_all(fd, hello, sizeof hello));
        CHECK(recv(fd, data, sizeof data, MSG_WAITALL) == sizeof data && memcmp(data, hello, sizeof data) == 0);
    }
    CHECK(shutdown(fd, SHUT_WR) == 0);
    CHECK(recv(fd, data, sizeof data, 0) == 0);
    CHECK(close(fd) == 0);
    return NULL;
}

// What is seen of a connection is the connection's.
static void names(int port)
{
    int fd = greenlet_connect_ssl(NULL, port, authority);
    CHECK(fd >= 0);
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 && (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
    struct sockaddr_in6 address;
    socklen_t len = sizeof address;
    CHECK(getpeername(fd, (struct sockaddr *)&address, &len) == 0 && ntohs(address.sin6_port) == port);
    struct pollfd quiet = {.fd = fd, .events = POLLIN};
    CHECK(poll(&quiet, 1, 50) == 0);
    close(fd);
}

static void *much(void *arg)
{
    static char data[BULK];
    memset(data, 'm', sizeof data);
    return send_all((int)(intptr_t)arg, data, sizeof data) ? arg : NULL;
}

static void bulk(int port)
{
    int fd = greenlet_connect_ssl("localhost", port, authority);
    CHECK(fd >= 0);
    greenlet_t sender = greenlet_spawn(much, (void *)(intptr_t)fd);
    char data[10000];
    size_t got = 0;
    for (ssize_t n; got < BULK && (n = recv(fd, data, sizeof data, 0)) > 0;)
        got += (size_t)n;
    void *sent = NULL;
    CHECK(got == BULK && greenlet_join(sender, &sent) == 0 && sent != NULL);
    close(fd);
}

static int refused(const char *options, int port)
{
    errno = 0;
    int fd = greenlet_connect_ssl("localhost", port, options);
    CHECK(fd == -1);
    return errno;
}

static void errors(int port, int plain)
{
    char options[2 * PATH_MAX + 32];
    CHECK(refused(client, port) == EPROTO); // signed by itself, and no authority of the server's
    snprintf(options, sizeof options, "%s:name=elsewhere.test", authority);
    CHECK(refused(options, port) == EPROTO);
    CHECK(refused("ca=/nowhere.pem", port) == ENOENT);
    CHECK(refused("colour=blue", port) == EINVAL);
    snprintf(options, sizeof options, "%s:certificates=%s", authority, server);
    CHECK(refused(options, port) == EINVAL);
    CHECK(refused(authority, plain) == EPROTO);
    CHECK(greenlet_connect_ssl("localhost", 65536, authority) == -1 && errno == EINVAL);
    CHECK(greenlet_ssl_listener(NULL, 0, server, other_key, 1) == -1 && errno == EINVAL);
    CHECK(greenlet_ssl_listener(NULL, 0, "/nowhere.pem", server_key, 1) == -1 && errno == ENOENT);
    CHECK(greenlet_ssl_listener(NULL, 0, NULL, server_key, 1) == -1 && errno == EINVAL);
    CHECK(greenlet_ssl_listener("192.0.2.1", 0, server, server_key, 1) == -1 && errno == EADDRNOTAVAIL);
}

// Says what is no TLS, and ends.
static void *speak_plainly(void *arg)
{
    int listener = (int)(intptr_t)arg, fd = accept(listener, NULL, NULL);
    CHECK(send_all(fd, "220 hello\r\n", 11));
    close(fd);
    return NULL;
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    snprintf(authority, sizeof authority, "ca=%s/authority.pem", argv[1]);
    snprintf(server, sizeof server, "%s/server.pem", argv[1]);
    snprintf(server_key, sizeof server_key, "%s/server.key", argv[1]);
    snprintf(other_key, sizeof other_key, "%s/other.key", argv[1]);
    snprintf(client, sizeof client, "ca=%s/stranger.pem", argv[1]);
    CHECK(greenlet_init(0) == 0);
    int listener = greenlet_ssl_listener("127.0.0.1", 0, server, server_key, MANY), port = port_of(listener);
    int plain = greenlet_tcp_listener("127.0.0.1", 0, 5);
    CHECK(listener >= 0 && plain >= 0);
    greenlet_detach(greenlet_spawn(serve, (void *)(intptr_t)listener));
    greenlet_t plainly = greenlet_spawn(speak_plainly, (void *)(intptr_t)plain);
    greenlet_t talkers[MANY];
    for (int i = 0; i < MANY; i++)
        talkers[i] = greenlet_spawn(talk, (void *)(intptr_t)port);
    for (int i = 0; i < MANY; i++)
        CHECK(greenlet_join(talkers[i], NULL) == 0);
    names(port);
    bulk(port);
    errors(port, port_of(plain));
    CHECK(greenlet_join(plainly, NULL) == 0);
    if (wrong == 0)
        puts("all is right");
    return wrong != 0;
}
