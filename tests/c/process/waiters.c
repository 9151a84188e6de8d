// Ten threads wait for a child each: everyone gets its own, in whatever order they end.
#include "oracle.h"

static int right;

static void *body(void *number)
{
    int status, me = (int)(intptr_t)number;
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        alarm(15);
        sleep_ms(50 - me * 4);
        _exit(me);
    }
    MUST(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == me)
        __atomic_add_fetch(&right, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

int main(void)
{
    begin();
    pthread_t threads[10];
    for (intptr_t i = 0; i < 10; i++)
        threads[i] = start(body, (void *)i);
    for (int i = 0; i < 10; i++)
        finish(threads[i]);
    say("right: %d", right);
    return 0;
}
