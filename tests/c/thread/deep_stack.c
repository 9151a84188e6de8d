// Four megabytes of recursion fit the usual stack, in several threads at once, across switches.
#include "oracle.h"

enum { FRAME = 16 * 1024, DEPTH = 256 };

static long deeper(int depth)
{
    volatile char room[FRAME];
    room[0] = (char)depth;
    room[FRAME - 1] = (char)(depth + 1);
    if (depth % 64 == 0)
        sched_yield();
    long below = depth == DEPTH ? 0 : deeper(depth + 1);
    return below + (room[0] == (char)depth && room[FRAME - 1] == (char)(depth + 1));
}

static void *body(void *unused)
{
    (void)unused;
    return (void *)deeper(1);
}

int main(void)
{
    begin();
    pthread_t threads[4];
    pthread_attr_t attributes;
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setstacksize(&attributes, 8 << 20) == 0);
    for (int i = 0; i < 4; i++)
        MUST(pthread_create(&threads[i], &attributes, body, NULL) == 0);
    for (int i = 0; i < 4; i++)
        say("thread %d: %ld frames", i, (long)finish(threads[i]));
    // A small stack has a small share: the same thread structure must not be given out with a larger promise.
    MUST(pthread_attr_setstacksize(&attributes, 128 * 1024) == 0);
    MUST(pthread_create(&threads[0], &attributes, return_it, NULL) == 0);
    finish(threads[0]);
    finish(start(body, NULL));
    say("default size after a small one: fits");
    return 0;
}
