// Calls that move data inside the kernel and may wait there: splice, tee, sendfile, vmsplice.
#include "oracle.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

static int from[2], to[2], ends[2];

static void *splicer(void *unused)
{
    say_call("splice", splice(from[0], NULL, to[1], NULL, 100, 0));
    say_call("tee", tee(to[0], from[1], 100, 0));
    return unused;
}

static void *sender(void *file)
{
    off_t offset = 0;
    long total = 0;
    while (total < 1 << 20) {
        ssize_t now = sendfile(ends[1], *(int *)file, &offset, (1 << 20) - (size_t)total);
        MUST(now > 0);
        total += now;
    }
    MUST(close(ends[1]) == 0);
    return (void *)total;
}

int main(void)
{
    begin();
    static char data[1 << 20];
    ssize_t got;
    long total = 0;
    MUST(pipe(from) == 0 && pipe(to) == 0);
    pthread_t thread = start(splicer, NULL);
    settle();
    MUST(write(from[1], "moved", 5) == 5);
    finish(thread);
    say_call("read the original", read(to[0], data, sizeof data));
    say_call("read the copy", read(from[0], data, sizeof data));
    int file = memfd_create("file", 0);
    MUST(write(file, data, sizeof data) == sizeof data);
    stream_pair(ends);
    thread = start(sender, &file);
    sleep_ms(10);
    while ((got = recv(ends[0], data, sizeof data, 0)) > 0)
        total += got;
    say("sendfile: sent %ld, received %ld", (long)(intptr_t)finish(thread), total);
    struct iovec part = {"pages", 5};
    say_call("vmsplice", vmsplice(from[1], &part, 1, 0));
    say_call("read them", read(from[0], data, sizeof data));
    return 0;
}
