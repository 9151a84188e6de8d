// shutdown ends the waits of other threads: readers get the end of the stream, writers EPIPE, accept EINVAL.
// verify: a Unix peer that stops reading makes no readiness event (unix_poll reports none), for poll neither.
#include "oracle.h"

static int ends[2], listener;
static sem_t arrived;

static void *reader(void *unused)
{
    char byte;
    MUST(sem_post(&arrived) == 0);
    say_call("recv", recv(ends[0], &byte, 1, 0));
    return unused;
}

static void *writer(void *unused)
{
    static char block[1 << 16];
    MUST(sem_post(&arrived) == 0);
    while (send(ends[0], block, sizeof block, MSG_NOSIGNAL) > 0) {
    }
    say("send: %s", error_name(errno));
    return unused;
}

static void on_pipe(int unused)
{
    (void)unused;
    say_from_handler("SIGPIPE\n");
}

// Of a full local socket, which says so by an error alone: only a send that begins when it is shut down makes a signal.
static void *last_writer(void *by_write)
{
    while (send(ends[0], "x", 1, MSG_DONTWAIT) == 1) {
    }
    MUST(sem_post(&arrived) == 0);
    say_call("send, of which nothing went", by_write ? write(ends[0], "x", 1) : send(ends[0], "x", 1, 0));
    say_call("the next", send(ends[0], "x", 1, 0));
    return NULL;
}

static void *write_last(void *unused)
{
    (void)unused;
    return last_writer("");
}

static void *poller(void *unused)
{
    struct pollfd item = {.fd = ends[0], .events = POLLIN | POLLRDHUP};
    MUST(sem_post(&arrived) == 0);
    int got = poll(&item, 1, 10000);
    say("poll: %d, events %x", got, (unsigned)item.revents);
    return unused;
}

static void *acceptor(void *unused)
{
    MUST(sem_post(&arrived) == 0);
    say_call("accept", accept(listener, NULL, NULL));
    return unused;
}

static void run(const char *name, void *(*body)(void *), int fd, int how)
{
    say("%s:", name);
    pthread_t thread = start(body, NULL);
    MUST(sem_wait(&arrived) == 0);
    // A writer must have blocked: one that comes too late has a signal.
    sleep_ms(3 * SETTLE_MS);
    MUST(shutdown(fd, how) == 0);
    finish(thread);
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    tcp_pair(ends);
    run("own reading side", reader, ends[0], SHUT_RD);
    tcp_pair(ends);
    run("peer's writing side", reader, ends[1], SHUT_WR);
    tcp_pair(ends);
    run("own writing side", writer, ends[0], SHUT_WR);
    stream_pair(ends);
    run("Unix, peer's reading side", writer, ends[1], SHUT_RD);
    handle(SIGPIPE, on_pipe, SA_RESTART);
    stream_pair(ends);
    run("Unix, full, own writing side", last_writer, ends[0], SHUT_WR);
    stream_pair(ends);
    run("Unix, full, peer's reading side", write_last, ends[1], SHUT_RD);
    stream_pair(ends);
    run("Unix, both", reader, ends[0], SHUT_RDWR);
    tcp_pair(ends);
    run("poll, peer's writing side", poller, ends[1], SHUT_WR);
    listener = tcp_listener(5);
    run("listener", acceptor, listener, SHUT_RDWR);
    int unconnected = socket(AF_INET, SOCK_STREAM, 0);
    say_call("shutdown of an unconnected one", shutdown(unconnected, SHUT_RDWR));
    return 0;
}
