// What -D_FORTIFY_SOURCE makes of read, recv, recvfrom, poll, and ppoll: the checked twins, which wait like the plain ones.
// cflags: -O2 -D_FORTIFY_SOURCE=2
#include "oracle.h"

static int ends[2], files[2];

static void *feeder(void *unused)
{
    for (int i = 0; i < 4; i++) {
        sleep_ms(8);
        MUST(write(ends[1], "abcd", 4) == 4);
    }
    return unused;
}

// The sizes come from outside the compiler's sight, so that it has to leave the checks to libc.
static void *body(void *size)
{
    char data[16];
    size_t length = *(volatile size_t *)size;
    struct pollfd items[2] = {{.fd = ends[0], .events = POLLIN}, {.fd = ends[1], .events = POLLIN}};
    nfds_t count = (nfds_t)(length / 4);
    struct timespec span = span_ms(10000);
    pthread_t thread = start(feeder, NULL);
    say_call("read", read(ends[0], data, length));
    say_call("recv", recv(ends[0], data, length, 0));
    say_call("recvfrom", recvfrom(ends[0], data, length, 0, NULL, NULL));
    say_call("poll", poll(items, count, 10000));
    say_call("ppoll", ppoll(items, count, &span, NULL));
    say_call("the rest", recv(ends[0], data, length, 0));
    finish(thread);
    say_call("not waiting", recv(ends[0], data, length, MSG_DONTWAIT));
    say_call("poll times out", poll(items, count, 10));
    span = span_ms(10);
    say_call("ppoll times out", ppoll(items, count, &span, NULL));
    say_call("pread", pread(files[0], data, length, 0));
    return NULL;
}

int main(void)
{
    begin();
    size_t size = 4;
    stream_pair(ends);
    files[0] = memfd_create("file", 0);
    MUST(write(files[0], "0123456789", 10) == 10);
    body(&size);
    say("in a thread:");
    finish(start(body, &size));
    return 0;
}
