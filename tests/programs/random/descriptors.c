// Waiting for descriptors in every way there is, and reading and writing to the end.

#include "program.h"
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>

// ---- waiting --------------------------------------------------------------------------------------------------

static int any_time(struct chance *c) { return below(c, 2) ? -1 : below(c, 4); }

static struct timespec *span(struct timespec *t, int ms) {
    *t = (struct timespec){0, ms * 1000000L};
    return ms < 0 ? NULL : t;
}

static int by_poll(const int *fds, int count, short events, bool *ready, struct chance *c) {
    struct pollfd polled[CHANNELS_MOST];
    struct timespec t;
    for (int i = 0; i < count; i++) polled[i] = (struct pollfd){.fd = fds[i], .events = events};
    int found = below(c, 2) ? poll(polled, (nfds_t)count, any_time(c)) : ppoll(polled, (nfds_t)count, span(&t, any_time(c)), NULL);
    for (int i = 0; i < count && found > 0; i++) {
        CHECK(!(polled[i].revents & POLLNVAL));
        ready[i] = polled[i].revents != 0;
    }
    return found;
}

static int by_select(const int *fds, int count, short events, bool *ready, struct chance *c) {
    fd_set set;
    struct timespec t;
    int ms = any_time(c), most = -1;
    struct timeval v = {0, ms * 1000L};
    FD_ZERO(&set);
    for (int i = 0; i < count; i++) {
        if (fds[i] < 0) continue;
        CHECK(fds[i] < FD_SETSIZE);
        FD_SET(fds[i], &set);
        if (fds[i] > most) most = fds[i];
    }
    fd_set *in = events == POLLIN ? &set : NULL, *out = events == POLLIN ? NULL : &set;
    int found = below(c, 2) ? select(most + 1, in, out, NULL, ms < 0 ? NULL : &v) : pselect(most + 1, in, out, NULL, span(&t, ms), NULL);
    for (int i = 0; i < count && found > 0; i++) ready[i] = fds[i] >= 0 && FD_ISSET(fds[i], &set);
    return found;
}

static int by_epoll(const int *fds, int count, short events, bool *ready, struct chance *c) {
    static const uint32_t ways[] = {0, 0, EPOLLET, EPOLLONESHOT};
    struct epoll_event seen[CHANNELS_MOST];
    int loop = (int)SYS(epoll_create1(below(c, 2) ? EPOLL_CLOEXEC : 0));
    for (int i = 0; i < count; i++) {
        struct epoll_event event = {.events = (events == POLLIN ? EPOLLIN : EPOLLOUT) | ways[below(c, 4)], .data.u32 = (uint32_t)i};
        if (fds[i] >= 0) SYS(epoll_ctl(loop, EPOLL_CTL_ADD, fds[i], &event));
    }
    int found = below(c, 2) ? epoll_wait(loop, seen, CHANNELS_MOST, any_time(c)) : epoll_pwait(loop, seen, CHANNELS_MOST, any_time(c), NULL);
    int saved = errno;
    for (int i = 0; i < found; i++) ready[seen[i].data.u32] = true;
    SYS(close(loop));
    errno = saved;
    return found;
}

static int look(const int *fds, int count, short events, bool *ready, struct chance *c) {
    switch (below(c, 3)) {
    case 0: return by_poll(fds, count, events, ready, c);
    case 1: return by_select(fds, count, events, ready, c);
    default: return by_epoll(fds, count, events, ready, c);
    }
}

static void wait_until(const int *fds, int count, short events, bool *ready, struct chance *c) {
    for (;;) {
        int found = look(fds, count, events, ready, c);
        if (found > 0) return;
        if (found < 0 && errno != EINTR) FAIL("waiting for descriptors", errno);
    }
}

void wait_ready(int fd, short events, struct chance *c) {
    bool ready;
    wait_until(&fd, 1, events, &ready, c);
}

// A negative descriptor is left out, as in poll.
void wait_any(const int *fds, int count, bool *ready, struct chance *c) { wait_until(fds, count, POLLIN, ready, c); }

// ---- reading and writing --------------------------------------------------------------------------------------

static long write_some(int fd, const char *bytes, size_t length, struct chance *c) {
    struct iovec pieces[2] = {{(void *)bytes, length / 2}, {(void *)(bytes + length / 2), length - length / 2}};
    switch (below(c, 4)) {
    case 0: return writev(fd, pieces, 2);
    case 1: {
        long sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent >= 0 || errno != ENOTSOCK) return sent;
        return write(fd, bytes, length);
    }
    default: return write(fd, bytes, length);
    }
}

void write_all(int fd, const void *bytes, size_t length, bool split, struct chance *c) {
    const char *next = bytes;
    while (length > 0) {
        size_t part = split && length > 1 && below(c, 3) == 0 ? 1 + (size_t)below(c, (int)length - 1) : length;
        long sent = split ? write_some(fd, next, part, c) : write(fd, next, part);
        if (sent < 0 && errno == EAGAIN) wait_ready(fd, POLLOUT, c);
        else if (sent < 0 && errno != EINTR) FAIL("write", errno);
        if (sent > 0) next += sent, length -= (size_t)sent;
    }
}

static long read_some(int fd, char *bytes, size_t length, struct chance *c) {
    struct iovec pieces[2] = {{bytes, length / 2}, {bytes + length / 2, length - length / 2}};
    switch (below(c, 4)) {
    case 0: return length > 1 ? readv(fd, pieces, 2) : read(fd, bytes, length);
    case 1: {
        long got = recv(fd, bytes, length, below(c, 2) ? MSG_WAITALL : 0);
        if (got >= 0 || errno != ENOTSOCK) return got;
        return read(fd, bytes, length);
    }
    default: return read(fd, bytes, length);
    }
}

void read_all(int fd, void *bytes, size_t length, struct chance *c) {
    char *next = bytes;
    while (length > 0) {
        if (below(c, 5) == 0) wait_ready(fd, POLLIN, c);
        long got = read_some(fd, next, length, c);
        if (got < 0 && errno == EAGAIN) wait_ready(fd, POLLIN, c);
        else if (got < 0 && errno != EINTR) FAIL("read", errno);
        if (got == 0) FAIL("an end before its time", (long)length);
        if (got > 0) next += got, length -= (size_t)got;
    }
}

bool at_end(int fd, struct chance *c) {
    char byte;
    for (;;) {
        if (below(c, 3) == 0) wait_ready(fd, POLLIN, c);
        long got = read(fd, &byte, 1);
        if (got >= 0) return got == 0;
        if (errno == EAGAIN) wait_ready(fd, POLLIN, c);
        else if (errno != EINTR) FAIL("reading the end", errno);
    }
}
