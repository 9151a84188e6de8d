// A descriptor closed, or another file put at its number, while a thread selects it: the old file still ends the wait, and a number
// that is closed by then counts as ready, in every set that it is in. At the start of a call it is an error.
#include "oracle.h"

static int ends[2], quiet[2];
static sem_t arrived;

typedef struct {
    bool read, write, except;
    int timeout;
} Ask;

static void *selecter(void *argument)
{
    Ask ask = *(Ask *)argument;
    fd_set sets[3];
    struct timeval span = {.tv_sec = ask.timeout / 1000, .tv_usec = ask.timeout % 1000 * 1000};
    for (int i = 0; i < 3; i++)
        FD_ZERO(&sets[i]);
    bool asked[3] = {ask.read, ask.write, ask.except};
    for (int i = 0; i < 3; i++)
        if (asked[i])
            FD_SET(ends[0], &sets[i]);
    FD_SET(quiet[0], &sets[0]);
    MUST(sem_post(&arrived) == 0);
    long long since = now_ns(CLOCK_MONOTONIC);
    int got = select(1 + (ends[0] > quiet[0] ? ends[0] : quiet[0]), &sets[0], asked[1] ? &sets[1] : NULL, &sets[2], &span);
    if (got == -1)
        say_call("select", got);
    else
        say("select: %d, %d %d %d, quiet %d", got, !!FD_ISSET(ends[0], &sets[0]), !!FD_ISSET(ends[0], &sets[1]),
            !!FD_ISSET(ends[0], &sets[2]), !!FD_ISSET(quiet[0], &sets[0]));
    if (ask.timeout < 1000)
        say_took("it", since, ask.timeout);
    return NULL;
}

static void fill(int fd)
{
    static char data[4096];
    while (send(fd, data, sizeof data, MSG_DONTWAIT) > 0)
        ;
}

// way: 0 the old file has something, 1 a quiet one has, 2 nothing, 3 the peer goes
static void run(Ask ask, int way, bool replaced)
{
    int other[2];
    stream_pair(ends);
    stream_pair(quiet);
    if (ask.write)
        fill(ends[0]);
    pthread_t thread = start(selecter, &ask);
    MUST(sem_wait(&arrived) == 0);
    settle();
    if (replaced) {
        stream_pair(other);
        MUST(dup2(other[0], ends[0]) == ends[0]);
        MUST(write(other[1], "y", 1) == 1);
    } else {
        MUST(close(ends[0]) == 0);
    }
    sleep_ms(20);
    if (way == 0)
        MUST(write(ends[1], "x", 1) == 1);
    else if (way == 1)
        MUST(write(quiet[1], "q", 1) == 1);
    else if (way == 3)
        MUST(close(ends[1]) == 0);
    finish(thread);
    if (way != 3)
        MUST(close(ends[1]) == 0);
    if (replaced)
        MUST(close(ends[0]) == 0 && close(other[0]) == 0 && close(other[1]) == 0);
    MUST(close(quiet[0]) == 0 && close(quiet[1]) == 0);
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    Ask read_only = {.read = true, .timeout = 10000}, all = {true, true, true, 10000}, except = {.except = true, .timeout = 150};
    Ask soon = {.read = true, .timeout = 150}, both = {true, true, false, 10000};
    run(read_only, 0, false);
    run(read_only, 1, false);
    run(read_only, 3, false);
    run(read_only, 0, true);
    run(soon, 2, false);
    run(soon, 2, true);
    run(all, 0, false);
    run(all, 1, true);
    run(except, 2, false);
    run(both, 3, false);
    run(both, 3, true);

    // From the start.
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    struct timeval span = {0, 1000};
    say_call("closed before", select(ends[0] + 1, &set, NULL, NULL, &span));
    return 0;
}
