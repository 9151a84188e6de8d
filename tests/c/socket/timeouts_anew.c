// SO_RCVTIMEO and SO_SNDTIMEO that begin anew in the middle of a call: with each message of recvmmsg and sendmmsg, and with each piece
// that a local stream takes. A recv that waits for all has one span.
#include "oracle.h"

enum { LIMIT_MS = 1000, GAP_MS = 300, ROUNDS = 6, BIG = 1 << 20 };

static char block[BIG];

struct talk {
    void *(*body)(void *);
    int ends[2];
    bool over;
    ssize_t result;
};

static void *receive_messages(void *argument)
{
    struct talk *talk = argument;
    static char data[ROUNDS][8];
    static struct iovec parts[ROUNDS];
    static struct mmsghdr messages[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        parts[i] = (struct iovec){data[i], sizeof data[i]};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
    }
    talk->result = recvmmsg(talk->ends[0], messages, ROUNDS, 0, NULL);
    return NULL;
}

static void *receive_all(void *argument)
{
    struct talk *talk = argument;
    char data[ROUNDS];
    talk->result = recv(talk->ends[0], data, ROUNDS, MSG_WAITALL) < ROUNDS;
    return NULL;
}

static void *send_messages(void *argument)
{
    struct talk *talk = argument;
    static struct iovec part = {block, BIG / ROUNDS / 2};
    static struct mmsghdr messages[2 * ROUNDS];
    for (int i = 0; i < 2 * ROUNDS; i++)
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
    talk->result = sendmmsg(talk->ends[0], messages, 2 * ROUNDS, 0);
    return NULL;
}

static void *send_all(void *argument)
{
    struct talk *talk = argument;
    talk->result = send(talk->ends[0], block, BIG, 0);
    return NULL;
}

static void *write_all(void *argument)
{
    struct talk *talk = argument;
    talk->result = write(talk->ends[0], block, BIG);
    return NULL;
}

static void *drip(void *argument)
{
    struct talk *talk = argument;
    for (int i = 0; i < ROUNDS; i++) {
        sleep_ms(GAP_MS);
        MUST(send(talk->ends[1], "x", 1, 0) == 1);
    }
    return NULL;
}

static void *take_slowly(void *argument)
{
    struct talk *talk = argument;
    // Nobody looks at it.
    static char taken[BIG / ROUNDS];
    while (!__atomic_load_n(&talk->over, __ATOMIC_SEQ_CST)) {
        sleep_ms(GAP_MS);
        while (recv(talk->ends[1], taken, sizeof taken, MSG_DONTWAIT) == -1 && errno == EINTR) {
        }
    }
    return NULL;
}

static void *one(void *argument)
{
    struct talk *talk = argument;
    bool receives = talk->body == receive_messages || talk->body == receive_all;
    set_timeout(talk->ends[0], receives ? SO_RCVTIMEO : SO_SNDTIMEO, LIMIT_MS);
    pthread_t other = start(receives ? drip : take_slowly, talk);
    talk->body(talk);
    __atomic_store_n(&talk->over, true, __ATOMIC_SEQ_CST);
    finish(other);
    return NULL;
}

int main(void)
{
    begin();
    static const char *const names[] = {"recvmmsg", "recv of all is short", "sendmmsg", "local send", "local write"};
    static struct talk talks[] = {{receive_messages}, {receive_all}, {send_messages}, {send_all}, {write_all}};
    enum { COUNT = sizeof talks / sizeof *talks };
    pthread_t threads[COUNT];
    int small = BIG / ROUNDS / 2;
    for (int i = 0; i < COUNT; i++) {
        MUST(socketpair(AF_UNIX, i == 0 ? SOCK_DGRAM : SOCK_STREAM, 0, talks[i].ends) == 0);
        MUST(setsockopt(talks[i].ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
        threads[i] = start(one, &talks[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        finish(threads[i]);
        say_call(names[i], talks[i].result);
    }
    return 0;
}
