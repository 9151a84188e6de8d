// MSG_PEEK with MSG_WAITALL waits until all has come, and leaves it.
#include "oracle.h"

static void *second_half(void *fd)
{
    settle();
    MUST(send((int)(intptr_t)fd, "def", 3, 0) == 3);
    return NULL;
}

static void peek(const char *what, int ends[2])
{
    char data[8] = "";
    MUST(send(ends[1], "abc", 3, 0) == 3);
    settle();
    pthread_t other = start(second_half, (void *)(intptr_t)ends[1]);
    ssize_t got = recv(ends[0], data, 6, MSG_PEEK | MSG_WAITALL);
    say("%s: %zd, %s", what, got, data);
    say_call("it is still there", recv(ends[0], data, sizeof data, 0));
    finish(other);
    // The end comes before all has.
    MUST(send(ends[1], "gh", 2, 0) == 2 && shutdown(ends[1], SHUT_WR) == 0);
    say_call("up to the end", recv(ends[0], data, 6, MSG_PEEK | MSG_WAITALL));
}

static void *body(void *unused)
{
    int ends[2];
    tcp_pair(ends);
    peek("tcp", ends);
    stream_pair(ends);
    peek("local", ends);
    return unused;
}

int main(void)
{
    begin();
    finish(start(body, NULL));
    return 0;
}
