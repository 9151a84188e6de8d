// Parent and child share descriptions after fork, and each waits on them for itself: pipes both ways, an epoll descriptor, and
// a listener.
#include "oracle.h"

#include <sys/epoll.h>

static int down[2], up[2], epoll;

static void *relay(void *unused)
{
    char byte;
    while (read(down[0], &byte, 1) == 1) {
        byte++;
        MUST(write(up[1], &byte, 1) == 1);
    }
    return unused;
}

static void *wait_in_epoll(void *unused)
{
    struct epoll_event event;
    say("child: epoll_wait %d", epoll_wait(epoll, &event, 1, 10000));
    return unused;
}

int main(void)
{
    begin();
    char byte = 'a';
    finish(start(return_it, NULL));
    MUST(pipe(down) == 0 && pipe(up) == 0);
    epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, down[0], &event) == 0);
    pid_t child = fork();
    if (child == 0) {
        begin();
        MUST(close(down[1]) == 0 && close(up[0]) == 0);
        finish(start(wait_in_epoll, NULL));
        finish(start(relay, NULL));
        _exit(0);
    }
    MUST(close(down[0]) == 0 && close(up[1]) == 0);
    for (int i = 0; i < 20; i++) {
        MUST(write(down[1], &byte, 1) == 1);
        MUST(read(up[0], &byte, 1) == 1);
    }
    say("after twenty trips: %c", byte);
    MUST(close(down[1]) == 0);
    say_call("the child closes", read(up[0], &byte, 1));
    say_child("child", child);
    return 0;
}
