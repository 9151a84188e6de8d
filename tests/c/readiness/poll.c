// poll: ready, not ready, timed out, wrong descriptors, nothing to wait for; from main and from a thread.
#include "oracle.h"

static int ends[2];

static void show(const char *what, int got, const struct pollfd *items, int count)
{
    char text[100] = "";
    for (int i = 0; i < count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), " %x", (unsigned)items[i].revents);
    if (got < 0)
        say_call(what, got);
    else
        say("%s: %d,%s", what, got, text);
}

static void *write_later(void *unused)
{
    sleep_ms(20);
    MUST(write(ends[1], "x", 1) == 1);
    return unused;
}

static void *close_later(void *unused)
{
    sleep_ms(20);
    MUST(close(ends[1]) == 0);
    return unused;
}

static void *body(void *unused)
{
    char byte;
    int file = open("/dev/null", O_RDWR);
    MUST(pipe(ends) == 0);
    struct pollfd items[4] = {{.fd = ends[0], .events = POLLIN}, {.fd = ends[1], .events = POLLOUT}};
    show("nothing to read", poll(items, 1, 0), items, 1);
    show("room to write", poll(items, 2, -1), items, 2);
    long long began = now_ns(CLOCK_MONOTONIC);
    show("time out", poll(items, 1, 40), items, 1);
    say_took("  that", began, 40);
    began = now_ns(CLOCK_MONOTONIC);
    show("no descriptors", poll(NULL, 0, 40), NULL, 0);
    say_took("  that", began, 40);
    pthread_t thread = start(write_later, NULL);
    show("data comes", poll(items, 1, 10000), items, 1);
    finish(thread);
    MUST(read(ends[0], &byte, 1) == 1);
    items[1] = (struct pollfd){.fd = -1, .events = POLLIN, .revents = 0x7f};
    items[2] = (struct pollfd){.fd = 998, .events = POLLIN};
    items[3] = (struct pollfd){.fd = file, .events = POLLIN | POLLOUT};
    show("negative, closed, a file", poll(items, 4, 1000), items, 4);
    thread = start(close_later, NULL);
    items[0].events = 0;
    show("hang-up without asking", poll(items, 1, 10000), items, 1);
    finish(thread);
    MUST(close(ends[0]) == 0);

    MUST(pipe(ends) == 0);
    MUST(close(ends[0]) == 0);
    items[0] = (struct pollfd){.fd = ends[1], .events = POLLOUT};
    show("nobody reads", poll(items, 1, 1000), items, 1);
    MUST(close(ends[1]) == 0);

    tcp_pair(ends);
    items[0] = (struct pollfd){.fd = ends[0], .events = POLLIN | POLLRDHUP | POLLPRI};
    MUST(shutdown(ends[1], SHUT_WR) == 0);
    show("half closed", poll(items, 1, 1000), items, 1);
    MUST(close(ends[1]) == 0);
    MUST(shutdown(ends[0], SHUT_WR) == 0);
    sleep_ms(5);
    show("closed", poll(items, 1, 1000), items, 1);
    MUST(close(ends[0]) == 0);
    struct pollfd *volatile nowhere = (struct pollfd *)8;
    show("nowhere", poll(nowhere, 1, 0), NULL, 0);
    volatile nfds_t too_many = 1u << 30;
    show("too many", poll(items, too_many, 0), items, 0);
    MUST(close(file) == 0);
    return unused;
}

int main(void)
{
    begin();
    body(NULL);
    say("in a thread:");
    finish(start(body, NULL));
    return 0;
}
