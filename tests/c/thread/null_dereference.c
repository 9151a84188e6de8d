// A plain crash in a thread is the program's own: SIGSEGV, and nobody dresses it up.
// ends: signal 11
#include "oracle.h"

static void *body(void *nowhere)
{
    say("about to crash");
    sched_yield();
    *(volatile int *)nowhere = 1;
    say("never");
    return NULL;
}

int main(void)
{
    begin();
    finish(start(body, NULL));
    say("never");
    return 0;
}
