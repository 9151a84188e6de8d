// A thread waits for one child after the other: whatever it does between two waits, the others are served during each.
#include "oracle.h"

static int counter;
static bool stop;

static void *count(void *unused)
{
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        __atomic_add_fetch(&counter, 1, __ATOMIC_SEQ_CST);
        sleep_ms(1);
    }
    return unused;
}

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
    pthread_t counting = start(count, NULL);
    for (intptr_t i = 0; i < 60; i++) {
        finish(start(look_and_sleep, (void *)(i % 7 * 100)));
        pid_t child = fork();
        MUST(child >= 0);
        if (child == 0) {
            usleep(25000);
            _exit(0);
        }
        MUST(waitpid(-1, NULL, WNOHANG) == 0);
        int before = counter;
        MUST(waitpid(child, NULL, 0) == child);
        stalled += counter - before == 0;
    }
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    finish(counting);
    say("waits in which nobody else ran: %d", stalled);
    return 0;
}
