// main leaves by pthread_exit while threads wait for children, which they then find: the process goes on until its last thread
// has ended, however long after them.
#include "oracle.h"

static void *waits(void *unused)
{
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        usleep(150000);
        _exit(0);
    }
    MUST(waitpid(child, NULL, 0) == child);
    return unused;
}

static void *last(void *unused)
{
    for (int i = 0; i < 12; i++)
        sleep_ms(100);
    say("the last thread ends");
    return unused;
}

int main(void)
{
    begin();
    for (int i = 0; i < 6; i++)
        start(waits, NULL);
    start(last, NULL);
    settle();
    say("main ends");
    pthread_exit(NULL);
}
