// Threads that wait in splice, tee, vmsplice and sendfile, for input or for room: bare each is a kernel thread, under the library
// hardly any. What arrives is what was sent, all of it.
// preloaded: 36 wait to move bytes: the kernel has few
// preloaded: right: 36
#include "oracle.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

enum { WAYS = 6, ROUNDS = 6, COUNT = WAYS * ROUNDS, FEW = 16, BIG = 1 << 20 };

struct way {
    int from[2], to[2], number;
};

static struct way ways[COUNT];
static char data[BIG];
static int file;

static void fill_pipe(int fd)
{
    int size = fcntl(fd, F_GETPIPE_SZ);
    MUST(size > 0 && write(fd, data, (size_t)size) == size);
}

static bool drain(int fd, ssize_t length)
{
    static char sink[1 << 16];
    while (length > 0) {
        ssize_t got = read(fd, sink, length < (ssize_t)sizeof sink ? (size_t)length : sizeof sink);
        MUST(got > 0);
        length -= got;
    }
    return true;
}

static void *move(void *which)
{
    struct way *way = which;
    off_t offset = 0;
    ssize_t moved = 0;
    switch (way->number % WAYS) {
    case 0: // for input
        return (void *)(intptr_t)(splice(way->from[0], NULL, way->to[1], NULL, 100, 0) == 5);
    case 1: // for room
        return (void *)(intptr_t)(splice(way->from[0], NULL, way->to[1], NULL, 100, 0) == 5);
    case 2:
        return (void *)(intptr_t)(tee(way->from[0], way->to[1], 100, 0) == 5);
    case 3:
        return (void *)(intptr_t)(vmsplice(way->to[1], &(struct iovec){data, 5}, 1, 0) == 5);
    case 4: // a socket that nobody reads
        while (offset < BIG) {
            moved = sendfile(way->to[1], file, &offset, BIG - (size_t)offset);
            MUST(moved > 0);
        }
        return (void *)(intptr_t)(offset == BIG);
    default: // out of a socket
        while (moved < 5) {
            ssize_t got = splice(way->from[0], NULL, way->to[1], NULL, 100, SPLICE_F_MOVE);
            MUST(got > 0);
            moved += got;
        }
        return (void *)(intptr_t)(moved == 5);
    }
}

static void prepare(struct way *way)
{
    switch (way->number % WAYS) {
    case 4:
        if (way->number / WAYS % 2)
            tcp_pair(way->to);
        else
            stream_pair(way->to);
        return;
    case 5:
        if (way->number / WAYS % 2)
            tcp_pair(way->from);
        else
            stream_pair(way->from);
        MUST(pipe(way->to) == 0);
        return;
    default:
        MUST(pipe(way->from) == 0 && pipe(way->to) == 0);
    }
    if (way->number % WAYS == 1)
        MUST(write(way->from[1], "moved", 5) == 5);
    if (way->number % WAYS == 1 || way->number % WAYS == 3)
        fill_pipe(way->to[1]);
}

static bool release(struct way *way)
{
    switch (way->number % WAYS) {
    case 1:
    case 3:
        return drain(way->to[0], fcntl(way->to[1], F_GETPIPE_SZ));
    case 4:
        return drain(way->to[0], BIG);
    default:
        return write(way->from[1], "moved", 5) == 5;
    }
}

int main(void)
{
    begin();
    pthread_t threads[COUNT];
    int right = 0;
    file = memfd_create("file", 0);
    MUST(write(file, data, sizeof data) == sizeof data);
    for (int i = 0; i < COUNT; i++) {
        ways[i].number = i;
        prepare(&ways[i]);
        threads[i] = start(move, &ways[i]);
    }
    settle();
    say("%d wait to move bytes: the kernel has %s", COUNT, kernel_threads() <= FEW ? "few" : "them all");
    for (int i = 0; i < COUNT; i++)
        MUST(release(&ways[i]));
    for (int i = 0; i < COUNT; i++)
        right += finish(threads[i]) != NULL;
    say("right: %d", right);
    return 0;
}
