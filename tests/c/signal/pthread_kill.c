// pthread_kill: the handler runs in the thread it was sent to, parked or running, with that thread's variables, and nobody else
// notices.
#include "oracle.h"

enum { COUNT = 10 };

static __thread int mine;
static pthread_t threads[COUNT];
static volatile int where[COUNT];
static volatile int wrong;
static int ends[COUNT][2];
static sem_t arrived;

static void handler(int unused)
{
    (void)unused;
    int me = mine;
    if (me < 1 || me > COUNT || !pthread_equal(pthread_self(), threads[me - 1]))
        wrong = 1;
    else
        where[me - 1]++;
}

static void *body(void *number)
{
    char byte;
    mine = (int)(intptr_t)number + 1;
    errno = mine;
    MUST(sem_post(&arrived) == 0);
    MUST(read(ends[(intptr_t)number][0], &byte, 1) == 1);
    return (void *)(intptr_t)(errno == mine);
}

int main(void)
{
    begin();
    int unchanged = 0, handled = 0;
    MUST(sem_init(&arrived, 0, 0) == 0);
    handle(SIGUSR1, handler, SA_RESTART);
    for (intptr_t i = 0; i < COUNT; i++) {
        MUST(pipe(ends[i]) == 0);
        threads[i] = start(body, (void *)i);
    }
    for (int i = 0; i < COUNT; i++)
        MUST(sem_wait(&arrived) == 0);
    for (int i = 0; i < COUNT; i++) {
        MUST(pthread_kill(threads[i], SIGUSR1) == 0);
        while (where[i] == 0)
            sched_yield();
    }
    for (int i = 0; i < COUNT; i++)
        MUST(write(ends[i][1], "x", 1) == 1);
    for (int i = 0; i < COUNT; i++) {
        unchanged += finish(threads[i]) != NULL;
        handled += where[i] == 1;
    }
    say("handled once each: %d, wrong place: %d, errno unchanged: %d", handled, wrong, unchanged);
    return 0;
}
