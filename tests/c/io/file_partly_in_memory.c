// A file of which the machine has only the beginning in memory: a read of all of it gets all of it, also the first one.
#include "oracle.h"

#include <sys/uio.h>

enum { SIZE = 1 << 20, IN_MEMORY = 3 * 4096 };

static char block[SIZE];

// A new description, and none of the file in memory but the beginning.
static int cold(const char *name)
{
    int fd = open(name, O_RDONLY);
    MUST(fd >= 0);
    MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM) == 0);
    MUST(pread(fd, block, IN_MEMORY, 0) == IN_MEMORY);
    return fd;
}

static void *body(void *name)
{
    struct iovec halves[2] = {{block, SIZE / 2}, {block + SIZE / 2, SIZE / 2}};
    int fd = cold(name);
    say_call("read", read(fd, block, SIZE));
    say_call("read at the end", read(fd, block, SIZE));
    MUST(close(fd) == 0);
    fd = cold(name);
    say_call("readv", readv(fd, halves, 2));
    MUST(close(fd) == 0);
    fd = cold(name);
    say_call("preadv2", preadv2(fd, halves, 2, -1, 0));
    MUST(close(fd) == 0);
    return NULL;
}

int main(void)
{
    begin();
    // Not /tmp, which may be all memory.
    char name[] = "/var/tmp/greenlet-oracle-XXXXXX";
    int fd = mkstemp(name);
    MUST(fd >= 0 && write(fd, block, SIZE) == SIZE && fsync(fd) == 0 && close(fd) == 0);
    finish(start(body, name));
    MUST(unlink(name) == 0);
    return 0;
}
