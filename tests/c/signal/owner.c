// SIGIO for the thread, or the process, that owns a descriptor: by its id, of green threads and of main.
#include "oracle.h"

static __thread int number;
static volatile int taken_by;

static void on_input(int unused)
{
    (void)unused;
    taken_by = number;
}

static int who_takes(int from)
{
    taken_by = 0;
    MUST(write(from, "x", 1) == 1);
    for (int i = 0; i < 1000 && taken_by == 0; i++)
        usleep(1000);
    return taken_by;
}

static void *owns(void *own)
{
    number = (int)(intptr_t)own;
    int pair[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    struct f_owner_ex owner = {F_OWNER_TID, gettid()}, told = {0};
    say_call("F_SETOWN_EX", fcntl(pair[0], F_SETOWN_EX, &owner));
    say_call("F_GETOWN_EX", fcntl(pair[0], F_GETOWN_EX, &told));
    say("a thread %d, this one %d", told.type == F_OWNER_TID, told.pid == gettid());
    MUST(fcntl(pair[0], F_SETFL, O_ASYNC) == 0);
    say("taken by %d", who_takes(pair[1]));
    owner = (struct f_owner_ex){F_OWNER_TID, 1 << 29};
    say_call("nobody", fcntl(pair[0], F_SETOWN_EX, &owner));
    say_call("nowhere", fcntl(pair[0], F_SETOWN_EX, NULL));
    MUST(close(pair[0]) == 0 && close(pair[1]) == 0);
    return own;
}

static void *gives_process(void *own)
{
    number = (int)(intptr_t)own;
    int pair[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    say_call("F_SETOWN to a thread", fcntl(pair[0], F_SETOWN, gettid()));
    MUST(fcntl(pair[0], F_SETFL, O_ASYNC) == 0);
    // It is the process's, whose threads may all take it.
    say("taken %d", who_takes(pair[1]) != 0);
    return own;
}

int main(void)
{
    begin();
    number = 1;
    handle(SIGIO, on_input, SA_RESTART);
    finish(start(owns, (void *)2));
    owns((void *)1);
    finish(start(gives_process, (void *)3));
    return 0;
}
