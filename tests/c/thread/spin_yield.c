// Threads that wait for each other by yielding or by tiny sleeps, never by a lock: the other one gets to run.
#include "oracle.h"

static volatile int turn;

static void *yielder(void *me)
{
    for (int i = 0; i < 2000; i++) {
        while (turn != (int)(intptr_t)me)
            sched_yield();
        turn = 1 - (int)(intptr_t)me;
    }
    return NULL;
}

static void *sleeper(void *me)
{
    for (int i = 0; i < 50; i++) {
        while (turn != (int)(intptr_t)me)
            usleep(10);
        turn = 1 - (int)(intptr_t)me;
    }
    return NULL;
}

static void pair(const char *what, void *(*body)(void *))
{
    pthread_t first = start(body, (void *)0), second = start(body, (void *)1);
    finish(first);
    finish(second);
    say("%s: done, turn %d", what, turn);
}

int main(void)
{
    begin();
    pair("by yielding", yielder);
    pair("by sleeping", sleeper);
    return 0;
}
