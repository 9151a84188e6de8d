// A thread of a process whose threads all compute becomes another program, at the moment at which it has computed for long itself: the
// program begins with nothing pending, and ends as it should.
#include "oracle.h"

enum { PROCESSES = 40, STRINGS = 12, LENGTH = 100 * 1024 };

static char *arguments[STRINGS + 2] = {"true"};

static void *computes(void *unused)
{
    for (;;)
        __asm__ volatile("pause");
    return unused;
}

static void *becomes_another(void *after_us)
{
    long long until = now_ns(CLOCK_MONOTONIC) + (intptr_t)after_us * 1000;
    while (now_ns(CLOCK_MONOTONIC) < until)
        ;
    execv("/bin/true", arguments);
    _exit(101);
}

static void run(int number)
{
    void *after_us = (void *)(intptr_t)(7000 + number * 53);
    for (int i = 0; i < 2; i++)
        start(computes, NULL);
    if (number % 2)
        becomes_another(after_us);
    start(becomes_another, after_us);
    pause();
}

int main(void)
{
    begin();
    // That much takes the kernel a while.
    for (int i = 1; i <= STRINGS; i++) {
        arguments[i] = malloc(LENGTH);
        MUST(arguments[i]);
        memset(arguments[i], 'x', LENGTH - 1);
        arguments[i][LENGTH - 1] = 0;
    }
    int status, killed = 0;
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        MUST(child >= 0);
        if (child == 0)
            run(i);
        MUST(waitpid(child, &status, 0) == child);
        killed += status != 0;
    }
    say("killed %d", killed);
    return 0;
}
