// poll and select over hundreds of descriptors; many threads that poll the same ones; one that becomes ready wakes them all.
#include "oracle.h"

#include <sys/select.h>

enum { PIPES = 200, THREADS = 20 };

static int pipes[PIPES][2];
static int woken;

static void *poll_them_all(void *unused)
{
    struct pollfd items[PIPES];
    for (int i = 0; i < PIPES; i++)
        items[i] = (struct pollfd){.fd = pipes[i][0], .events = POLLIN};
    int got = poll(items, PIPES, 10000);
    MUST(got == 1 && items[137].revents == POLLIN);
    __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
    return unused;
}

static void *select_them_all(void *unused)
{
    fd_set set;
    FD_ZERO(&set);
    for (int i = 0; i < PIPES; i++)
        FD_SET(pipes[i][0], &set);
    MUST(select(pipes[PIPES - 1][0] + 1, &set, NULL, NULL, NULL) == 1);
    MUST(FD_ISSET(pipes[137][0], &set));
    __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
    return unused;
}

int main(void)
{
    begin();
    pthread_t threads[THREADS];
    for (int i = 0; i < PIPES; i++)
        MUST(pipe(pipes[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(i % 2 ? poll_them_all : select_them_all, NULL);
    settle();
    MUST(write(pipes[137][1], "x", 1) == 1);
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    say("woken: %d", woken);
    struct pollfd items[PIPES];
    for (int i = 0; i < PIPES; i++) {
        items[i] = (struct pollfd){.fd = pipes[i][0], .events = POLLIN};
        if (i % 2)
            MUST(write(pipes[i][1], "x", 1) == 1);
    }
    say_call("half of them ready", poll(items, PIPES, -1));
    return 0;
}
