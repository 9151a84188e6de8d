// A thread that overflows its stack dies of SIGSEGV and takes the process along. The library may say whose stack it was.
// ends: signal 11
// stderr: may differ
#include "oracle.h"

static int deeper(int depth)
{
    volatile char room[4096];
    room[0] = (char)depth;
    if (depth < 0)
        return 0;
    return deeper(depth + 1) + room[0];
}

static void *body(void *unused)
{
    say("into the guard");
    say("never: %d", deeper(0));
    return unused;
}

int main(void)
{
    begin();
    pthread_attr_t attributes;
    pthread_t thread;
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
    MUST(pthread_create(&thread, &attributes, body, NULL) == 0);
    finish(thread);
    say("never");
    return 0;
}
