/* What the benchmark's programs share: time, errors, descriptors, a listener, and the loop that finds a long enough run.
 *
 * Every program here runs unchanged with and without libgreenlet.so, so nothing in this file may know that the library exists. The
 * programs are also built against State Threads and GNU Pth, by a header that comes first (peers/) and maps the few calls they use.
 * A program that cannot measure says why on stderr and exits 1; it never prints a figure it did not see. */
#ifndef BENCH_H
#define BENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* somaxconn's default: a burst of connections must not depend on who accepts faster. */
enum { BACKLOG = 4096 };

__attribute__((noreturn, unused)) static void die(const char *what, int error)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(error));
    exit(1);
}

__attribute__((unused)) static void check(const char *what, int error)
{
    if (error != 0)
        die(what, error);
}

__attribute__((unused)) static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

__attribute__((unused)) static double number(const char *what, const char *text, double least, double most)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= least && value <= most)) {
        fprintf(stderr, "%s: %s: '%s' is not a number from %g to %g\n", program_invocation_short_name, what, text, least, most);
        exit(2);
    }
    return value;
}

/* Thousands of connections are thousands of descriptors, and the soft limit is often 1,024. */
__attribute__((unused)) static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("getrlimit", errno);
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("setrlimit", errno);
}

__attribute__((unused)) static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* Listens on 127.0.0.1 and says where: port 0 lets the kernel choose, and the driver reads the line. */
__attribute__((unused)) static int listen_and_say(int port, int flags)
{
    struct sockaddr_in address = loopback(port);
    socklen_t size = sizeof address;
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (fd < 0)
        die("socket", errno);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("bind", errno);
    if (listen(fd, BACKLOG) != 0)
        die("listen", errno);
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        die("getsockname", errno);
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

__attribute__((unused)) static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL)
        die("calloc", ENOMEM);
    return memory;
}

__attribute__((unused)) static void create(pthread_t *thread, void *(*body)(void *), void *argument)
{
    check("pthread_create", pthread_create(thread, NULL, body, argument));
}

__attribute__((unused)) static void join_all(const pthread_t *threads, int count)
{
    for (int i = 0; i < count; i++)
        check("pthread_join", pthread_join(threads[i], NULL));
}

/* Work that no compiler can leave out, and that no two inputs share: what a server is asked, and what a critical section does. */
__attribute__((unused)) static uint64_t scramble(uint64_t word)
{
    return word * 6364136223846793005u + 1442695040888963407u;
}

/* Small answers must leave at once, on both sides, or Nagle's algorithm is what gets measured. */
__attribute__((unused)) static void no_delay(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* Doubles the count until one run lasts that long and returns nanoseconds for each of that run: the same program serves an
 * operation of 20 ns and one of 50 us, and the short runs before it are the warm-up. */
__attribute__((unused)) static double nanoseconds_each(uint64_t (*run)(uint64_t count), double seconds, uint64_t count)
{
    for (;; count *= 2) {
        uint64_t elapsed = run(count);
        if ((double)elapsed >= seconds * 1e9)
            return (double)elapsed / (double)count;
    }
}

#endif
