// What splice, tee, vmsplice and sendfile answer beside a count: the end, a peer that has gone, wrong arguments, non-blocking
// descriptions, time-outs, signals, cancellation; and where offsets stand afterwards.
#include "oracle.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

enum { BIG = 8 << 20 };

static char data[1 << 16];
static int from[2], to[2], ends[2], file;

static void handler(int unused)
{
    (void)unused;
}

static void *ends_and_errors(void *unused)
{
    off_t offset = 3;
    MUST(pipe(from) == 0 && pipe(to) == 0);
    say_call("sendfile of nothing", sendfile(to[1], file, NULL, 0));
    say_call("sendfile to a pipe", sendfile(to[1], file, &offset, 10));
    say("offset: %ld, position: %ld", (long)offset, (long)lseek(file, 0, SEEK_CUR));
    say_call("read", read(to[0], data, sizeof data));
    say_call("sendfile from a pipe", sendfile(to[1], from[0], NULL, 10));
    say_call("sendfile, bad number", sendfile(999, file, NULL, 10));
    say_call("sendfile, bad source", sendfile(to[1], 999, NULL, 10));
    offset = 1L << 40;
    say_call("sendfile past the end", sendfile(to[1], file, &offset, 10));
    say_call("splice of nothing", splice(from[0], NULL, to[1], NULL, 0, 0));
    say_call("splice without a pipe", splice(file, NULL, file, NULL, 10, 0));
    say_call("splice with an offset in a pipe", splice(from[0], &offset, to[1], NULL, 10, 0));
    say_call("splice, bad number", splice(999, NULL, to[1], NULL, 10, 0));
    say_call("splice, wrong flags", splice(from[0], NULL, to[1], NULL, 10, 1 << 20));
    offset = 5;
    say_call("splice from a file", splice(file, &offset, to[1], NULL, 7, 0));
    say("offset: %ld", (long)offset);
    say_call("splice to a file", splice(to[0], NULL, file, &(off_t){0}, 7, 0));
    say_call("tee without a pipe", tee(file, to[1], 10, 0));
    say_call("vmsplice without a pipe", vmsplice(file, &(struct iovec){data, 1}, 1, 0));
    say_call("not waiting", splice(from[0], NULL, to[1], NULL, 10, SPLICE_F_NONBLOCK));
    MUST(write(from[1], "four", 4) == 4);
    say_call("out of a pipe", vmsplice(from[0], &(struct iovec){data, 4}, 1, 0));
    say("%.4s", data);
    set_nonblocking(from[0]);
    say_call("non-blocking", splice(from[0], NULL, to[1], NULL, 10, 0));
    say_call("non-blocking", tee(from[0], to[1], 10, 0));
    MUST(close(from[1]) == 0);
    say_call("at the end", splice(from[0], NULL, to[1], NULL, 10, 0));
    say_call("at the end", tee(from[0], to[1], 10, 0));
    MUST(close(to[0]) == 0);
    say_call("peer gone", sendfile(to[1], file, NULL, 10));
    say_call("peer gone", vmsplice(to[1], &(struct iovec){data, 1}, 1, 0));
    MUST(close(from[0]) == 0 && close(to[1]) == 0);
    stream_pair(ends);
    MUST(pipe(from) == 0);
    say_call("out of the wrong end", splice(from[1], NULL, ends[1], NULL, 10, 0));
    say_call("between sockets", splice(ends[0], NULL, ends[1], NULL, 10, 0));
    say_call("into the wrong end", splice(ends[0], NULL, from[0], NULL, 10, 0));
    say_call("an offset in a socket", splice(ends[0], &offset, from[1], NULL, 10, 0));
    MUST(close(from[0]) == 0 && close(from[1]) == 0);
    MUST(close(ends[0]) == 0);
    say_call("peer gone", sendfile(ends[1], file, NULL, 10));
    MUST(close(ends[1]) == 0);
    return unused;
}

static void *send_it_all(void *unused)
{
    off_t offset = 0;
    ssize_t sent = sendfile(ends[1], file, &offset, BIG);
    say("some went: %d, not all: %d, so says the offset: %d", sent > 0, sent < BIG, sent == offset);
    sent = sendfile(ends[1], file, &offset, BIG);
    say_call("then", sent);
    return unused;
}

static char scrap[1 << 20];

// Until there is no more.
static void read_dry(int fd)
{
    while (read(fd, scrap, sizeof scrap) > 0) {
    }
    MUST(errno == EAGAIN);
}

static bool has_taken;

static void *take_late(void *unused)
{
    settle();
    __atomic_store_n(&has_taken, true, __ATOMIC_SEQ_CST);
    read_dry(from[0]);
    return unused;
}

// Of the four it alone waits at a pipe that does not block, unless the call says that it may not.
static void *mode_of_vmsplice(void *unused)
{
    struct iovec part = {data, 4};
    MUST(pipe2(from, O_NONBLOCK) == 0);
    while (write(from[1], data, sizeof data) > 0) {
    }
    say_call("vmsplice, full, not waiting", vmsplice(from[1], &part, 1, SPLICE_F_NONBLOCK));
    pthread_t thread = start(take_late, NULL);
    say_call("vmsplice, full", vmsplice(from[1], &part, 1, 0));
    say("it has waited: %d", __atomic_load_n(&has_taken, __ATOMIC_SEQ_CST));
    finish(thread);
    read_dry(from[0]);
    say_call("vmsplice out of it, not waiting", vmsplice(from[0], &part, 1, SPLICE_F_NONBLOCK));
    thread = start(write_to, (void *)(intptr_t)from[1]);
    say_call("vmsplice out of it", vmsplice(from[0], &part, 1, 0));
    finish(thread);
    MUST(close(from[0]) == 0 && close(from[1]) == 0);
    return unused;
}

static void *splice_one(void *unused)
{
    say_call("splice", splice(from[0], NULL, to[1], NULL, 10, 0));
    return unused;
}

static void *cancelled(void *unused)
{
    sendfile(ends[1], file, &(off_t){0}, BIG);
    say("some went before it was cancelled");
    pthread_testcancel();
    return unused;
}

int main(void)
{
    begin();
    MUST(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    file = memfd_create("file", 0);
    MUST(file >= 0 && ftruncate(file, BIG) == 0);
    finish(start(ends_and_errors, NULL));
    finish(start(mode_of_vmsplice, NULL));
    stream_pair(ends);
    set_timeout(ends[1], SO_SNDTIMEO, 30);
    finish(start(send_it_all, NULL));
    stream_pair(ends);
    set_nonblocking(ends[1]);
    finish(start(send_it_all, NULL));
    MUST(pipe(from) == 0 && pipe(to) == 0);
    for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
        handle(SIGUSR1, handler, flags);
        pthread_t thread = start(splice_one, NULL);
        settle();
        MUST(pthread_kill(thread, SIGUSR1) == 0);
        settle();
        MUST(write(from[1], "late", 4) == 4);
        finish(thread);
    }
    stream_pair(ends);
    pthread_t thread = start(cancelled, NULL);
    settle();
    MUST(pthread_cancel(thread) == 0);
    MUST(shutdown(ends[0], SHUT_RDWR) == 0);
    say("cancelled: %d", finish(thread) == PTHREAD_CANCELED);
    return 0;
}
