// A peer that goes while a call has done a part: what the call says, what the next ones say, which of them get the error and which
// SIGPIPE. TCP keeps the error for the next call; a local socket's blocked call uses it up.
#include "oracle.h"

#include <sys/ioctl.h>
#include <sys/uio.h>

enum { BIG = 16 << 20 };

// Long enough for a thread to block that has nothing else to do.
enum { BLOCKED_MS = 200 };

static char block[BIG];
static int ends[2];
static volatile sig_atomic_t pipes;
static sem_t arrived;

static void on_pipe(int unused)
{
    (void)unused;
    pipes++;
}

static void say_sent(const char *what, ssize_t result, ssize_t all)
{
    if (result == -1)
        say("%s: -1 %s, signals %d", what, error_name(errno), (int)pipes);
    else
        say("%s: %s, signals %d", what, result == all ? "all of it" : result > 0 ? "a part" : "nothing", (int)pipes);
}

static void *by_send(void *unused)
{
    say_sent("send", send(ends[0], block, BIG, 0), BIG);
    return unused;
}

static void *by_write(void *unused)
{
    say_sent("write", write(ends[0], block, BIG), BIG);
    return unused;
}

static void *by_writev(void *unused)
{
    struct iovec parts[2] = {{block, BIG / 2}, {block, BIG / 2}};
    say_sent("writev", writev(ends[0], parts, 2), BIG);
    return unused;
}

static void *by_sendmsg(void *unused)
{
    struct iovec part = {block, BIG};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    say_sent("sendmsg", sendmsg(ends[0], &message, 0), BIG);
    return unused;
}

static void *by_sendmmsg(void *unused)
{
    struct iovec part = {block, BIG};
    struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}},
                                  {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}}};
    say("sendmmsg: %d messages", sendmmsg(ends[0], messages, 2, 0));
    say_sent("  the first", messages[0].msg_len, BIG);
    return unused;
}

static int queued(int fd)
{
    int n = 0;
    MUST(ioctl(fd, FIONREAD, &n) == 0);
    return n;
}

static void reset(int fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    MUST(close(fd) == 0);
}

static void *next_send(void *unused)
{
    say_sent("  the next send", send(ends[0], "x", 1, 0), 1);
    return unused;
}

static void *next_recv(void *unused)
{
    char byte;
    say_sent("  the next recv", recv(ends[0], &byte, 1, 0), 1);
    return unused;
}

static void end(void)
{
    MUST(close(ends[0]) == 0);
    pipes = 0;
}

static void cut_off(void *(*body)(void *), bool is_local)
{
    if (is_local)
        stream_pair(ends);
    else
        tcp_pair(ends);
    pthread_t thread = start(body, NULL);
    while (queued(ends[1]) == 0)
        sleep_ms(1);
    settle();
    reset(ends[1]);
    finish(thread);
}

// The error is told once, by a send or by a recv.
static void sends(bool is_local)
{
    void *(*const bodies[])(void *) = {by_send, by_write, by_writev, by_sendmsg, by_sendmmsg};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        cut_off(bodies[i], is_local);
        finish(start(next_send, NULL));
        finish(start(next_send, NULL));
        finish(start(next_recv, NULL));
        end();
    }
    cut_off(by_send, is_local);
    finish(start(next_recv, NULL));
    finish(start(next_send, NULL));
    end();
}

static void fill(void)
{
    while (send(ends[0], block, 1000, MSG_DONTWAIT) > 0) {
    }
    while (send(ends[0], block, 1, MSG_DONTWAIT) > 0) {
    }
    MUST(errno == EAGAIN);
}

static void *one_send(void *unused)
{
    MUST(sem_post(&arrived) == 0);
    say_sent("send, of which nothing went", send(ends[0], "x", 1, 0), 1);
    return unused;
}

static void *one_write(void *unused)
{
    MUST(sem_post(&arrived) == 0);
    say_sent("write, of which nothing went", write(ends[0], "x", 1), 1);
    return unused;
}

// Of local sockets only: when TCP is full for good nobody can tell.
static void nothing_went(void *(*body)(void *))
{
    stream_pair(ends);
    fill();
    pthread_t thread = start(body, NULL);
    MUST(sem_wait(&arrived) == 0);
    sleep_ms(BLOCKED_MS);
    reset(ends[1]);
    finish(thread);
    finish(start(next_send, NULL));
    finish(start(next_recv, NULL));
    end();
}

static void *take_all(void *unused)
{
    say_call("recv, waiting for all", recv(ends[0], block, 100, MSG_WAITALL));
    say_call("  the next", recv(ends[0], block, 100, MSG_WAITALL));
    say_call("  and the next", recv(ends[0], block, 100, MSG_WAITALL));
    return unused;
}

static void receives(bool is_local)
{
    if (is_local)
        stream_pair(ends);
    else
        tcp_pair(ends);
    pthread_t thread = start(take_all, NULL);
    MUST(send(ends[1], "ten bytes.", 10, 0) == 10);
    while (queued(ends[0]) != 0)
        sleep_ms(1);
    settle();
    // Something unread makes a local socket's close a reset.
    MUST(send(ends[0], "x", 1, 0) == 1 && send(ends[1], "and six", 7, 0) == 7);
    reset(ends[1]);
    finish(thread);
    end();
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    handle(SIGPIPE, on_pipe, SA_RESTART);
    for (int is_local = 0; is_local < 2; is_local++) {
        say(is_local ? "local" : "TCP");
        sends(is_local);
        receives(is_local);
    }
    nothing_went(one_send);
    nothing_went(one_write);
    return 0;
}
