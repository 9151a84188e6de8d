// exit() called by a thread while others are parked: exit handlers run, the status is the program's.
// ends: exit 3
#include "oracle.h"

static int ends[2];

static void at_exit(void)
{
    say("atexit runs, in the thread that called exit");
}

static void *parked(void *unused)
{
    char byte;
    MUST(read(ends[0], &byte, 1) == 1);
    say("never");
    return unused;
}

static void *leaver(void *unused)
{
    sleep_ms(20);
    say("exit now");
    exit(3);
    return unused;
}

int main(void)
{
    begin();
    MUST(pipe(ends) == 0);
    MUST(atexit(at_exit) == 0);
    for (int i = 0; i < 5; i++)
        start(parked, NULL);
    pthread_join(start(leaver, NULL), NULL);
    say("never");
    return 0;
}
