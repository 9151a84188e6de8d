// A descriptor's number used again and again, by sockets, pipes, and listeners: what was armed for an old file must not
// answer for the new one.
#include "oracle.h"

static void *wait_and_close(void *fd)
{
    char byte = 0;
    MUST(read((int)(intptr_t)fd, &byte, 1) == 1);
    MUST(close((int)(intptr_t)fd) == 0);
    return (void *)(intptr_t)byte;
}

int main(void)
{
    begin();
    int sum = 0, same = 0, number = -1;
    for (int round = 0; round < 60; round++) {
        int ends[2];
        if (round % 3 == 0)
            stream_pair(ends);
        else if (round % 3 == 1)
            MUST(pipe(ends) == 0);
        else
            tcp_pair(ends);
        if (number == -1)
            number = ends[0];
        same += ends[0] == number;
        pthread_t thread = start(wait_and_close, (void *)(intptr_t)ends[0]);
        if (round % 2)
            sleep_ms(2);
        else
            sched_yield();
        MUST(write(ends[1], "\3", 1) == 1);
        sum += (int)(intptr_t)finish(thread);
        MUST(close(ends[1]) == 0);
    }
    say("sum %d, the same number: %d", sum, same);
    return 0;
}
