// The names with underscores under which libc exports its calls, and the calls that are readv and eventfd's read by another name:
// bare each waiting thread is a kernel thread, under the library hardly any.
// preloaded: 40 wait: the kernel has few
// preloaded: right: 40
// preloaded: bad number: -1 EBADF
// preloaded: bad number: -1 EBADF
// preloaded: not waited for: -1 EAGAIN
#include "oracle.h"

#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/uio.h>

enum { WAYS = 10, ROUNDS = 4, COUNT = WAYS * ROUNDS, FEW = 20 };

ssize_t __read(int fd, void *buffer, size_t length);
ssize_t __write(int fd, const void *buffer, size_t length);
ssize_t __send(int fd, const void *buffer, size_t length, int flags);
int __connect(int fd, const struct sockaddr *address, socklen_t length);
int __close(int fd);
int __dup2(int from, int to);
int __pipe(int ends[2]);
int __fcntl(int fd, int command, ...);
int __open(const char *path, int flags, ...);
int __poll(struct pollfd *fds, nfds_t count, int timeout);
int __select(int count, fd_set *in, fd_set *out, fd_set *other, struct timeval *timeout);
int __nanosleep(const struct timespec *span, struct timespec *left);
int __sched_yield(void);

static int ends[COUNT][2];
static char data[1 << 16];

static void *await(void *number)
{
    int i = (int)(intptr_t)number, fd = ends[i][0];
    char text[10] = "";
    struct iovec part = {text, sizeof text};
    eventfd_t count = 0;
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    switch (i % WAYS) {
    case 0:
        return (void *)(intptr_t)(__read(fd, text, sizeof text) == 5);
    case 1:
        return (void *)(intptr_t)(__write(ends[i][1], "right", 5) == 5);
    case 2:
        return (void *)(intptr_t)(__send(ends[i][1], "right", 5, 0) == 5);
    case 3:
        return (void *)(intptr_t)(__poll(&(struct pollfd){fd, POLLIN, 0}, 1, -1) == 1);
    case 4:
        return (void *)(intptr_t)(__select(fd + 1, &set, NULL, NULL, NULL) == 1);
    case 5:
        return (void *)(intptr_t)(preadv2(fd, &part, 1, -1, 0) == 5);
    case 6:
        return (void *)(intptr_t)(preadv64v2(fd, &part, 1, -1, 0) == 5);
    case 7:
        return (void *)(intptr_t)(pwritev2(ends[i][1], &(struct iovec){"right", 5}, 1, -1, 0) == 5);
    case 8:
        return (void *)(intptr_t)(eventfd_read(fd, &count) == 0 && count == 3);
    default:
        return (void *)(intptr_t)(eventfd_write(fd, 3) == 0);
    }
}

static void prepare(int i)
{
    switch (i % WAYS) {
    case 1:
    case 7:
        MUST(__pipe(ends[i]) == 0);
        MUST(write(ends[i][1], data, sizeof data) == sizeof data);
        return;
    case 2:
        stream_pair(ends[i]);
        while (send(ends[i][1], data, 1000, MSG_DONTWAIT) > 0)
            continue;
        return;
    case 8:
        ends[i][0] = ends[i][1] = eventfd(0, 0);
        return;
    case 9:
        ends[i][0] = ends[i][1] = eventfd(0, 0);
        MUST(eventfd_write(ends[i][0], UINT64_MAX - 1) == 0);
        return;
    default:
        MUST(__pipe(ends[i]) == 0);
    }
}

static void release(int i)
{
    eventfd_t count;
    switch (i % WAYS) {
    case 1:
    case 7:
        MUST(read(ends[i][0], data, sizeof data) == sizeof data);
        return;
    case 2:
        while (recv(ends[i][0], data, sizeof data, MSG_DONTWAIT) > 0)
            continue;
        return;
    case 8:
        MUST(eventfd_write(ends[i][0], 3) == 0);
        return;
    case 9:
        MUST(eventfd_read(ends[i][0], &count) == 0);
        return;
    default:
        MUST(write(ends[i][1], "right", 5) == 5);
    }
}

// Those that answer at once.
static void others(void)
{
    int listener = tcp_listener(1), fd = socket(AF_INET, SOCK_STREAM, 0), pair[2];
    struct sockaddr_in address = loopback(port_of(listener));
    struct timespec moment = span_ms(1);
    char byte;
    MUST(__connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    MUST(__nanosleep(&moment, NULL) == 0 && __sched_yield() == 0);
    MUST(__dup2(listener, fd) == fd && __close(listener) == 0);
    MUST(__pipe(pair) == 0 && __fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0);
    int null = __open("/dev/null", O_RDONLY);
    MUST(null >= 0 && __read(null, &byte, 1) == 0);
    say_call("bad number", __close(999));
    say_call("bad number", eventfd_write(999, 1));
    say_call("not waited for", __read(pair[0], &byte, 1));
}

int main(void)
{
    begin();
    pthread_t threads[COUNT];
    int right = 0;
    for (int i = 0; i < COUNT; i++) {
        prepare(i);
        threads[i] = start(await, (void *)(intptr_t)i);
    }
    settle();
    say("%d wait: the kernel has %s", COUNT, kernel_threads() <= FEW ? "few" : "them all");
    for (int i = 0; i < COUNT; i++)
        release(i);
    for (int i = 0; i < COUNT; i++)
        right += finish(threads[i]) != NULL;
    say("right: %d", right);
    others();
    return 0;
}
