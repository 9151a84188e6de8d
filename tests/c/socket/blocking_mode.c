// O_NONBLOCK is the program's: as it set it before, during, and after every kind of wait, also seen through a duplicate and
// from another process. And a non-blocking descriptor never waits.
#include "oracle.h"

static int ends[2], duplicate;
static sem_t arrived;

static void *reader(void *unused)
{
    char byte;
    MUST(sem_post(&arrived) == 0);
    MUST(recv(ends[0], &byte, 1, 0) == 1);
    return unused;
}

static void seen_by_a_child(const char *when)
{
    pid_t child = fork();
    if (child == 0)
        _exit(is_nonblocking(duplicate));
    say_child(when, child);
}

static void while_parked(void)
{
    pthread_t thread = start(reader, NULL);
    MUST(sem_wait(&arrived) == 0);
    settle();
    say("while parked: %d %d", is_nonblocking(ends[0]), is_nonblocking(duplicate));
    seen_by_a_child("in a child");
    MUST(send(ends[1], "x", 1, 0) == 1);
    finish(thread);
    say("afterwards: %d %d", is_nonblocking(ends[0]), is_nonblocking(duplicate));
}

static void *never_waits(void *unused)
{
    static char block[1 << 20];
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    set_nonblocking(ends[0]);
    set_nonblocking(ends[1]);
    say_call("recv", recv(ends[0], &byte, 1, 0));
    say_call("read", read(ends[0], &byte, 1));
    say_call("recvmsg", recvmsg(ends[0], &message, 0));
    say_call("recv, MSG_WAITALL", recv(ends[0], &byte, 1, MSG_WAITALL));
    ssize_t sent = send(ends[1], block, sizeof block, 0);
    say("send moves a part: %d", sent > 0 && sent < (ssize_t)sizeof block);
    while (write(ends[1], block, sizeof block) > 0) {
    }
    say_call("write when full", write(ends[1], block, sizeof block));
    say("still non-blocking: %d %d", is_nonblocking(ends[0]), is_nonblocking(duplicate));
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    stream_pair(ends);
    duplicate = dup(ends[0]);
    while_parked();
    finish(start(never_waits, NULL));
    // Changed under a parked reader: the wait goes on, as in the kernel, which looks at the flag once.
    stream_pair(ends);
    pthread_t thread = start(reader, NULL);
    MUST(sem_wait(&arrived) == 0);
    settle();
    set_nonblocking(ends[0]);
    sleep_ms(20);
    MUST(send(ends[1], "x", 1, 0) == 1);
    finish(thread);
    say("a reader parked before the change got its byte");
    return 0;
}
