/* Runs a command where the only name server is a small one of ours.
 *
 * dns_box DIRECTORY COMMAND [ARGUMENT...]     becomes the command; the server ends with it
 *
 * libc reads the server's address from /etc/resolv.conf and nothing else can set it (RES_OPTIONS and LOCALDOMAIN cannot). So the command
 * gets a mount namespace in which that file and nsswitch.conf are ours (written to DIRECTORY), and a network namespace in which port 53 of
 * loopback is free and nothing else can be reached. Root makes them directly, anybody else inside a user namespace, where the kernel
 * allows that; exit status 77 says that it does not.
 *
 * The server answers A questions for h<n>.bench.test with 127.x.y.z, n in the last three bytes, AAAA with no address, and other names with
 * "no such name". */
#include "bench.h"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

enum { CANNOT = 77, DNS_PORT = 53, HEADER = 12, SOCKETS = 16, TYPE_A = 1, TYPE_AAAA = 28, NO_SUCH_NAME = 3 };

__attribute__((noreturn)) static void cannot(const char *what)
{
    fprintf(stderr, "dns_box: %s: %s\n", what, strerror(errno));
    exit(CANNOT);
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        cannot(path);
    close(fd);
}

static void map_user(const char *path, unsigned id)
{
    char line[64];
    snprintf(line, sizeof line, "0 %u 1\n", id);
    write_file(path, line);
}

static void enter_namespaces(void)
{
    unsigned user = geteuid(), group = getegid();
    if (unshare(CLONE_NEWNS | CLONE_NEWNET) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) != 0)
            cannot("no namespace may be made here");
        write_file("/proc/self/setgroups", "deny");
        map_user("/proc/self/uid_map", user);
        map_user("/proc/self/gid_map", group);
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        cannot("mount / private");
}

static void replace(const char *directory, const char *name, const char *text)
{
    char ours[4096], theirs[64];
    snprintf(ours, sizeof ours, "%s/%s", directory, name);
    snprintf(theirs, sizeof theirs, "/etc/%s", name);
    remove(ours);
    write_file(ours, text);
    if (mount(ours, theirs, NULL, MS_BIND, NULL) != 0)
        cannot(theirs);
}

/* Several sockets on one port, among which the kernel spreads the clients: the buffer of one, which only root may make larger, would not
 * hold what a thousand threads ask at once, and libc asks again only after seconds. */
static void open_sockets(struct pollfd *sockets)
{
    struct ifreq interface = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    struct sockaddr_in address = loopback(DNS_PORT);
    int one = 1, size = 8 << 20;
    for (int i = 0; i < SOCKETS; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || (i == 0 && ioctl(fd, SIOCSIFFLAGS, &interface) != 0))
            cannot("loopback");
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
            setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
        if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
            cannot("port 53");
        sockets[i] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
}

/* The number of h<n>.bench.test, or -1; *end is where the question's type begins. */
static long asked_for(const unsigned char *packet, size_t size, size_t *end)
{
    static const char rest[] = "\5bench\4test";
    size_t label = HEADER < size ? packet[HEADER] : 0;
    size_t after = HEADER + 1 + label;
    long value = 0;
    *end = after + sizeof rest;
    if (label < 2 || label > 9 || *end + 4 > size || memcmp(packet + after, rest, sizeof rest) != 0 || packet[HEADER + 1] != 'h')
        return -1;
    for (size_t i = HEADER + 2; i < after; i++) {
        if (packet[i] < '0' || packet[i] > '9')
            return -1;
        value = value * 10 + packet[i] - '0';
    }
    return value < 1 << 24 ? value : -1;
}

/* Turns the question in the packet into its answer; the size to send, 0 for what is no question of ours. */
static size_t answer(unsigned char *packet, size_t size)
{
    size_t end;
    long value = asked_for(packet, size, &end);
    if (size < HEADER || packet[2] & 0x80)
        return 0;
    packet[2] |= 0x80;                                      /* an answer */
    packet[3] = 0x80 | (value < 0 ? NO_SUCH_NAME : 0);      /* recursion available */
    memset(packet + 6, 0, 6);                               /* no answers, no authority, no additions */
    if (value < 0)
        return size;
    size = end + 4;
    if (packet[end + 1] == TYPE_A) {
        const unsigned char record[] = {0xc0, HEADER, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4,
                                        127, (unsigned char)(value >> 16), (unsigned char)(value >> 8), (unsigned char)value};
        packet[7] = 1;
        memcpy(packet + size, record, sizeof record);
        size += sizeof record;
    }
    return size;
}

static void answer_all(int fd)
{
    unsigned char packet[512 + 64];
    struct sockaddr_in client;
    for (;;) {
        socklen_t length = sizeof client;
        ssize_t got = recvfrom(fd, packet, 512, 0, (struct sockaddr *)&client, &length);
        if (got < 0)
            return; /* nothing more, for now */
        size_t size = answer(packet, (size_t)got);
        if (size > 0)
            sendto(fd, packet, size, 0, (struct sockaddr *)&client, length);
    }
}

__attribute__((noreturn)) static void serve(struct pollfd *sockets)
{
    for (;;) {
        poll(sockets, SOCKETS, -1);
        for (int i = 0; i < SOCKETS; i++)
            if (sockets[i].revents != 0)
                answer_all(sockets[i].fd);
    }
}

int main(int argc, char **argv)
{
    struct pollfd sockets[SOCKETS];
    if (argc < 3) {
        fprintf(stderr, "usage: dns_box DIRECTORY COMMAND [ARGUMENT...]\n");
        return 2;
    }
    enter_namespaces();
    replace(argv[1], "resolv.conf", "nameserver 127.0.0.1\noptions timeout:5 attempts:4\n");
    replace(argv[1], "nsswitch.conf", "hosts: dns\n");
    open_sockets(sockets);
    pid_t server = fork();
    if (server < 0)
        die("fork", errno);
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(sockets);
    }
    execvp(argv[2], argv + 2);
    die(argv[2], errno);
}
