// close() under a reader when no further number is to be had: Linux needs none, this library does. Then the reader finds its
// number closed, and does not sleep on.
// preloaded: close: 0
// preloaded: the reader: -1 EBADF
// preloaded: and the peer sees the end
#include "oracle.h"
#include <sys/resource.h>

static sem_t arrived;

static void *reader(void *fd)
{
    char data[8];
    MUST(sem_post(&arrived) == 0);
    say_call("the reader", recv((int)(intptr_t)fd, data, sizeof data, 0));
    return NULL;
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    int ends[2];
    stream_pair(ends);
    pthread_t thread = start(reader, (void *)(intptr_t)ends[0]);
    MUST(sem_wait(&arrived) == 0);
    settle();
    struct rlimit none;
    MUST(getrlimit(RLIMIT_NOFILE, &none) == 0);
    none.rlim_cur = 0;
    MUST(setrlimit(RLIMIT_NOFILE, &none) == 0);
    say_call("close", close(ends[0]));
    sleep_ms(20);
    ssize_t put = send(ends[1], "x", 1, MSG_NOSIGNAL);
    finish(thread);
    if (put == -1)
        say("and the peer sees the end");
    return 0;
}
