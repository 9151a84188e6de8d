// A client that knows nothing of TLS: what becomes of each way to connect, and to send, in C.
// tls_ways HOST PORT [COMMAND]: a server of IPv4 that says what it is told; a command to run between look-up and connection.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static struct sockaddr_in server;
static const struct sockaddr *const address = (const struct sockaddr *)&server;

static const char *what(bool is_done)
{
    return is_done ? "done" : strerrorname_np(errno);
}

static bool hears(int fd, const char *said)
{
    char heard[100];
    size_t len = strlen(said);
    return recv(fd, heard, len, MSG_WAITALL) == (ssize_t)len && memcmp(heard, said, len) == 0;
}

static bool talks(int fd, const char *said)
{
    return send(fd, said, strlen(said), MSG_NOSIGNAL) == (ssize_t)strlen(said) && hears(fd, said);
}

static void connects(const char *way, int fd)
{
    bool is_connected = connect(fd, address, sizeof server) == 0;
    printf("%s: %s", way, what(is_connected));
    if (is_connected)
        printf(", %s", what(talks(fd, way)));
    putchar('\n');
    close(fd);
}

// TCP takes no notice of where to.
static void addressed(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool is_connected = connect(fd, address, sizeof server) == 0;
    printf("addressed: %s", what(is_connected));
    printf(", again: %s", what(connect(fd, address, sizeof server) == 0));
    printf(", sendto: %s", what(sendto(fd, "one", 3, MSG_NOSIGNAL, address, sizeof server) == 3 && hears(fd, "one")));
    struct iovec part = {"two", 3};
    struct msghdr message = {.msg_name = &server, .msg_namelen = sizeof server, .msg_iov = &part, .msg_iovlen = 1};
    printf(", sendmsg: %s\n", what(sendmsg(fd, &message, MSG_NOSIGNAL) == 3 && hears(fd, "two")));
    close(fd);
}

static void wake_up(int signal)
{
    (void)signal;
}

// By signals that restart nothing; and with a time-out for what is received, which is none for a connection.
static void interrupted(void)
{
    struct sigaction action = {.sa_handler = wake_up};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    struct timeval short_while = {0, 1};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &short_while, sizeof short_while);
    setitimer(ITIMER_REAL, &often, NULL);
    bool is_connected = connect(fd, address, sizeof server) == 0;
    int error = errno;
    setitimer(ITIMER_REAL, &never, NULL);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &never.it_value, sizeof never.it_value);
    errno = error;
    printf("interrupted: %s", what(is_connected));
    printf(", %s\n", what(talks(fd, "interrupted")));
    close(fd);
}

static void by_number(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool is_connected = syscall(SYS_connect, fd, address, sizeof server) == 0;
    printf("by number: %s", what(is_connected));
    printf(", %s\n", what(talks(fd, "by number")));
    close(fd);
}

// As event loops do it: registered when it is made.
static void watched(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), set = epoll_create1(0), other = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u64 = 0x123456789abcdef};
    epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
    struct epoll_event level = {.events = EPOLLIN, .data.u64 = 7};
    epoll_ctl(other, EPOLL_CTL_ADD, fd, &level);
    bool is_begun = connect(fd, address, sizeof server) == 0 || errno == EINPROGRESS;
    printf("watched: %s", what(is_begun));
    while (epoll_wait(set, &event, 1, 5000) == 1 && (event.events & EPOLLOUT) == 0)
        ;
    printf(", %#lx", (unsigned long)event.data.u64);
    printf(", quiet: %d", epoll_wait(other, &event, 1, 100));
    send(fd, "in", 2, MSG_NOSIGNAL);
    char heard[2] = "";
    for (ssize_t n = -1; n < 0;) {
        if (epoll_wait(set, &event, 1, 5000) != 1)
            break;
        if ((event.events & EPOLLIN) != 0 && (n = recv(fd, heard, 2, 0)) < 0 && errno != EAGAIN)
            break;
    }
    printf(", %.2s", heard);
    printf(", quiet: %d", epoll_wait(other, &event, 1, 100));
    level.events = EPOLLOUT;
    printf(", changed: %s", what(epoll_ctl(other, EPOLL_CTL_MOD, fd, &level) == 0));
    printf(", %d %#lx\n", epoll_wait(other, &event, 1, 5000), (unsigned long)event.data.u64);
    close(fd);
    close(set);
    close(other);
}

static void copied(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), copy = fcntl(fd, F_DUPFD_CLOEXEC, 100), other = dup(fd);
    bool is_connected = connect(fd, address, sizeof server) == 0;
    printf("copied: %s", what(is_connected));
    printf(", %s", what(talks(copy, "copy")));
    close(fd);
    printf(", %s, close-on-exec %d %d\n", what(talks(other, "other")), fcntl(copy, F_GETFD), fcntl(other, F_GETFD));
    close(copy);
    close(other);
}

static void opens(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    printf("sendto opens: %s", what(sendto(fd, "in the clear", 12, MSG_FASTOPEN, address, sizeof server) == 12));
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    struct iovec part = {"in the clear", 12};
    struct msghdr message = {.msg_name = &server, .msg_namelen = sizeof server, .msg_iov = &part, .msg_iovlen = 1};
    printf(", sendmsg: %s", what(sendmsg(fd, &message, MSG_FASTOPEN) == 12));
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    struct mmsghdr messages = {.msg_hdr = message};
    printf(", sendmmsg: %s\n", what(sendmmsg(fd, &messages, 1, MSG_FASTOPEN) == 1));
    close(fd);
}

int main(int argc, char **argv)
{
    const struct hostent *host = argc >= 3 ? gethostbyname(argv[1]) : NULL;
    if (host == NULL || host->h_addrtype != AF_INET)
        return 2;
    if (argc > 3 && system(argv[3]) != 0)
        return 3;
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)atoi(argv[2]));
    memcpy(&server.sin_addr, host->h_addr_list[0], sizeof server.sin_addr);
    connects("tcp", socket(AF_INET, SOCK_STREAM, 0));
    connects("mptcp", socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP));
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on);
    connects("put off", fd);
    addressed();
    by_number();
    interrupted();
    watched();
    copied();
    opens();
    server.sin_addr.s_addr = htonl(INADDR_ANY);
    connects("no address", socket(AF_INET, SOCK_STREAM, 0));
    return 0;
}
