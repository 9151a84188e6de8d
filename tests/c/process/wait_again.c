// A thread waits for one child after the other: whatever it does between two waits, the others are served during each.
#include "oracle.h"

static struct others others;

static void *look_and_sleep(void *us)
{
    MUST(waitpid(-1, NULL, WNOHANG) == -1);
    usleep((useconds_t)(intptr_t)us);
    return NULL;
}

int main(void)
{
    begin();
    int stalled = 0;
    others_begin(&others);
    for (intptr_t i = 0; i < 60; i++) {
        finish(start(look_and_sleep, (void *)(i % 7 * 100)));
        pid_t child = fork();
        MUST(child >= 0);
        if (child == 0) {
            usleep(25000);
            _exit(0);
        }
        MUST(waitpid(-1, NULL, WNOHANG) == 0);
        int before = others.ran;
        MUST(waitpid(child, NULL, 0) == child);
        stalled += others.ran - before == 0;
    }
    others_end(&others);
    say("waits in which nobody else ran: %d", stalled);
    return 0;
}
