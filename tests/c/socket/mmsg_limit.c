// recvmmsg: the time-out, which is checked first and told back where a message has come; the error that comes after a message, which
// is the next call's.
#include "oracle.h"

#include <sys/ioctl.h>

enum { COUNT = 3, ASKED_MS = 100000 };

static int ends[2], receiver, gap_ms = 50;
static bool over;
static char data[COUNT][20];
static struct iovec parts[COUNT];
static struct mmsghdr messages[COUNT];

static void prepare(void)
{
    for (int i = 0; i < COUNT; i++) {
        parts[i] = (struct iovec){data[i], sizeof data[i]};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
    }
}

static void handler(int unused)
{
    (void)unused;
}

static void *send_late(void *many)
{
    for (intptr_t i = 0; i < (intptr_t)many; i++) {
        sleep_ms(gap_ms);
        MUST(send(ends[1], "abc", 3, 0) == 3);
    }
    return NULL;
}

static void show(const char *what, int got, struct timespec left)
{
    long ms = left.tv_sec * 1000 + left.tv_nsec / 1000000;
    say_call(what, got);
    say("  left: %s", ms == 0 ? "nothing" : ms == ASKED_MS ? "as it was" : ms < ASKED_MS - 20 ? "less" : "hardly less");
}

static void *body(void *unused)
{
    struct timespec limit = span_ms(ASKED_MS);
    pthread_t thread = start(send_late, (void *)1);
    int got = recvmmsg(ends[0], messages, COUNT, MSG_WAITFORONE, &limit);
    finish(thread);
    show("waiting for one", got, limit);

    limit = span_ms(ASKED_MS);
    thread = start(send_late, (void *)COUNT);
    got = recvmmsg(ends[0], messages, COUNT, 0, &limit);
    finish(thread);
    show("waiting for all", got, limit);

    limit = span_ms(10);
    gap_ms = 400;
    thread = start(send_late, (void *)1);
    got = recvmmsg(ends[0], messages, COUNT, 0, &limit);
    finish(thread);
    show("over before the first", got, limit);

    MUST(send(ends[1], "a", 1, 0) == 1 && send(ends[1], "b", 1, 0) == 1);
    limit = span_ms(0);
    got = recvmmsg(ends[0], messages, COUNT, 0, &limit);
    show("no time", got, limit);
    struct timespec wrong[] = {{0, 1000000000}, {0, -1}, {-1, 0}};
    for (int i = 0; i < 3; i++)
        say_call("no such limit", recvmmsg(ends[0], messages, 1, 0, &wrong[i]));
    say_call("no such limit, no such number", recvmmsg(-1, messages, 1, 0, wrong));
    say_call("a limit nowhere", recvmmsg(ends[0], messages, 1, 0, (struct timespec *)8));
    say_call("no such number", recvmmsg(-1, messages, 1, 0, &limit));
    limit = span_ms(ASKED_MS);
    got = recvmmsg(ends[0], messages, 0, 0, &limit);
    show("no messages wanted", got, limit);
    say_call("what is still there", recv(ends[0], data[0], 20, MSG_DONTWAIT));
    got = recvmmsg(ends[0], messages, COUNT, MSG_DONTWAIT, &limit);
    show("nothing there", got, limit);

    set_timeout(ends[0], SO_RCVTIMEO, 50);
    got = recvmmsg(ends[0], messages, COUNT, 0, &limit);
    show("SO_RCVTIMEO", got, limit);
    set_timeout(ends[0], SO_RCVTIMEO, 0);
    return unused;
}

static void *interrupted(void *unused)
{
    struct timespec limit = span_ms(ASKED_MS);
    int got = recvmmsg(ends[0], messages, COUNT, 0, &limit);
    __atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
    show("interrupted", got, limit);
    return unused;
}

static void *refused(void *unused)
{
    say_call("a message and an error", recvmmsg(receiver, messages, COUNT, 0, NULL));
    int error = 0;
    socklen_t length = sizeof error;
    MUST(getsockopt(receiver, SOL_SOCKET, SO_ERROR, &error, &length) == 0);
    say("the error is kept: %s", error_name(error));
    return unused;
}

static int udp(struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    *address = loopback(0);
    MUST(fd >= 0 && bind(fd, (struct sockaddr *)address, sizeof *address) == 0);
    *address = loopback(port_of(fd));
    return fd;
}

int main(void)
{
    begin();
    prepare();
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    finish(start(body, NULL));
    handle(SIGUSR1, handler, 0);
    pthread_t thread = start(interrupted, NULL);
    while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST)) {
        settle();
        pthread_kill(thread, SIGUSR1);
    }
    finish(thread);

    // Connected to a port that is closed when the first message has come: the answer to what is sent then is an error.
    struct sockaddr_in here, there;
    int queued;
    receiver = udp(&here);
    int peer = udp(&there);
    MUST(connect(receiver, (struct sockaddr *)&there, sizeof there) == 0);
    MUST(sendto(peer, "one", 3, 0, (struct sockaddr *)&here, sizeof here) == 3);
    thread = start(refused, NULL);
    do {
        sleep_ms(1);
        MUST(ioctl(receiver, FIONREAD, &queued) == 0);
    } while (queued != 0);
    settle();
    MUST(close(peer) == 0);
    MUST(send(receiver, "anybody?", 8, 0) == 8);
    finish(thread);
    return 0;
}
