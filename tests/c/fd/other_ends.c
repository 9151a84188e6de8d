// How else the wait of a reader ends whose number has been closed: by its time-out, by cancellation, by shutdown through
// another number of the same file. Its file then ends too.
#include "oracle.h"

static sem_t arrived;
static int number;

static void *reader(void *unused)
{
    char data[8];
    long long began = now_ns(CLOCK_MONOTONIC);
    MUST(sem_post(&arrived) == 0);
    ssize_t got = recv(number, data, sizeof data, 0);
    say_call("the reader", got);
    if (unused)
        say_took_socket("it", began, (intptr_t)unused);
    return NULL;
}

static pthread_t closed_reader(intptr_t limit)
{
    pthread_t thread = start(reader, (void *)limit);
    MUST(sem_wait(&arrived) == 0);
    settle();
    MUST(close(number) == 0);
    return thread;
}

static void say_peer(int fd, int wait_ms)
{
    struct pollfd item = {.fd = fd, .events = POLLRDHUP};
    say("the peer sees the end: %d", poll(&item, 1, wait_ms));
}

int main(void)
{
    begin();
    int ends[2];
    MUST(sem_init(&arrived, 0, 0) == 0);

    tcp_pair(ends);
    number = ends[0];
    set_timeout(number, SO_RCVTIMEO, 200);
    pthread_t thread = closed_reader(200);
    say_peer(ends[1], 0);
    finish(thread);
    say_peer(ends[1], 1000);
    MUST(close(ends[1]) == 0);

    stream_pair(ends);
    number = ends[0];
    thread = closed_reader(0);
    say_peer(ends[1], 0);
    MUST(pthread_cancel(thread) == 0);
    say("cancelled: %d", finish(thread) == PTHREAD_CANCELED);
    say_peer(ends[1], 1000);
    MUST(close(ends[1]) == 0);

    tcp_pair(ends);
    number = ends[0];
    int copy = dup(number);
    thread = closed_reader(0);
    int result = shutdown(copy, SHUT_RDWR);
    finish(thread);
    say_call("shutdown", result);
    MUST(close(copy) == 0 && close(ends[1]) == 0);

    tcp_pair(ends);
    number = ends[0];
    thread = closed_reader(0);
    MUST(close(ends[1]) == 0);
    finish(thread);

    // A reset, which the peer sends because it has not read what it was sent.
    tcp_pair(ends);
    MUST(send(ends[0], "unread", 6, 0) == 6);
    number = ends[0];
    thread = closed_reader(0);
    MUST(close(ends[1]) == 0);
    finish(thread);
    return 0;
}
