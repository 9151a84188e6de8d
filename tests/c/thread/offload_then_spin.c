// Everybody is asleep for a while, one in a call that blocks in the kernel. It comes back, makes another thread runnable and computes
// until that one has run: on one worker too.
#include "oracle.h"

#include <stdatomic.h>

static int ends[2];
static sem_t called;
static atomic_int flag;

static void *waits(void *unused)
{
    MUST(sem_wait(&called) == 0);
    flag = 1;
    return unused;
}

static void *comes_back(void *unused)
{
    char data[4];
    struct iovec part = {data, sizeof data};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    MUST(recvmsg(ends[0], &message, MSG_WAITALL) == 4);
    long long began = now_ns(CLOCK_MONOTONIC);
    MUST(sem_post(&called) == 0);
    while (!flag && now_ns(CLOCK_MONOTONIC) - began < 2000000000)
        ;
    say("the other has run: %d", flag);
    return unused;
}

int main(void)
{
    begin();
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && sem_init(&called, 0, 0) == 0);
    pthread_t one = start(waits, NULL), two = start(comes_back, NULL);
    pid_t child = fork();
    if (child == 0) {
        usleep(300000); // the engine has gone to sleep altogether
        MUST(write(ends[1], "abcd", 4) == 4);
        _exit(0);
    }
    finish(two);
    finish(one);
    say_child("child", child);
}
