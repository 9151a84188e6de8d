// recvmmsg and sendmmsg: several datagrams a call, MSG_WAITFORONE, the timeout that is looked at between datagrams.
#include "oracle.h"

enum { COUNT = 5 };

static int ends[2];
static char data[COUNT][20];
static struct iovec parts[COUNT];
static struct mmsghdr messages[COUNT];

static void prepare(size_t size)
{
    for (int i = 0; i < COUNT; i++) {
        parts[i] = (struct iovec){data[i], size};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
    }
}

static void *send_slowly(void *many)
{
    for (intptr_t i = 0; i < (intptr_t)many; i++) {
        sleep_ms(10);
        MUST(send(ends[1], "abcdefgh", (size_t)i + 1, 0) == i + 1);
    }
    return NULL;
}

static void show(const char *name, int got)
{
    say_call(name, got);
    for (int i = 0; i < got; i++)
        say("  %u bytes", messages[i].msg_len);
}

int main(void)
{
    begin();
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    prepare(3);
    say_call("sendmmsg", sendmmsg(ends[1], messages, 3, 0));
    prepare(20);
    show("recvmmsg, not waiting", recvmmsg(ends[0], messages, COUNT, MSG_DONTWAIT, NULL));
    show("nothing there", recvmmsg(ends[0], messages, COUNT, MSG_DONTWAIT, NULL));
    pthread_t thread = start(send_slowly, (void *)COUNT);
    show("recvmmsg, waiting for all", recvmmsg(ends[0], messages, COUNT, 0, NULL));
    finish(thread);
    thread = start(send_slowly, (void *)1);
    show("recvmmsg, waiting for one", recvmmsg(ends[0], messages, COUNT, MSG_WAITFORONE, NULL));
    finish(thread);
    thread = start(send_slowly, (void *)3);
    struct timespec limit = span_ms(1);
    int got = recvmmsg(ends[0], messages, 3, 0, &limit);
    say("recvmmsg with a short limit: %d", got == 1);
    finish(thread);
    while (recv(ends[0], data[0], 20, MSG_DONTWAIT) > 0) {
    }
    struct timespec wrong = {.tv_nsec = 1000000000};
    say_call("no such limit", recvmmsg(ends[0], messages, 3, MSG_DONTWAIT, &wrong));
    MUST(close(ends[0]) == 0);
    prepare(3);
    say_call("sendmmsg to nobody", sendmmsg(ends[1], messages, 3, MSG_NOSIGNAL));
    return 0;
}
