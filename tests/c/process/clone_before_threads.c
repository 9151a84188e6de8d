// clone of a child that has its parent's memory and does not hold it, when the parent has no second thread yet: it makes some
// while the child lives, which goes on as a process of its own.
#include "oracle.h"

#include <sched.h>

static char stack[1 << 17] __attribute__((aligned(16)));
static __thread int local = 3;
static int ends[2], done[2], seen;

static int child_body(void *status)
{
    char byte;
    seen = local;
    for (int i = 0; i < 4; i++) {
        if (read(ends[0], &byte, 1) != 1)
            return 90;
        usleep(2000);
        if (write(done[1], &byte, 1) != 1)
            return 91;
    }
    return (int)(intptr_t)status;
}

static void *ask(void *which)
{
    char byte = (char)(intptr_t)which, answer = 0;
    MUST(write(ends[1], &byte, 1) == 1);
    MUST(read(done[0], &answer, 1) == 1);
    return (void *)(intptr_t)answer;
}

int main(void)
{
    begin();
    MUST(pipe(ends) == 0 && pipe(done) == 0);
    for (int round = 0; round < 2; round++) {
        local = 4 + round;
        pid_t child = clone(child_body, stack + sizeof stack, CLONE_VM | SIGCHLD, (void *)6);
        MUST(child > 0);
        say("%c", (int)(intptr_t)ask((void *)'a'));
        for (int i = 0; i < 3; i++)
            say("%c", (int)(intptr_t)finish(start(ask, (void *)(intptr_t)('b' + i))));
        say_child("child", child);
        say("saw %d", seen);
    }
    return 0;
}
