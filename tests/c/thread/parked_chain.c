// Two thousand threads parked on a semaphore each; a token passes through all of them.
#include "oracle.h"

enum { COUNT = 2000 };

static sem_t gates[COUNT + 1];
static int passed;

static void *link_of_chain(void *number)
{
    intptr_t i = (intptr_t)number;
    MUST(sem_wait(&gates[i]) == 0);
    MUST(passed == i);
    passed++;
    MUST(sem_post(&gates[i + 1]) == 0);
    return NULL;
}

int main(void)
{
    begin();
    static pthread_t threads[COUNT];
    for (int i = 0; i <= COUNT; i++)
        MUST(sem_init(&gates[i], 0, 0) == 0);
    for (intptr_t i = 0; i < COUNT; i++)
        threads[i] = start_small(link_of_chain, (void *)i);
    MUST(sem_post(&gates[0]) == 0);
    MUST(sem_wait(&gates[COUNT]) == 0);
    for (int i = 0; i < COUNT; i++)
        finish(threads[i]);
    say("passed: %d", passed);
    return 0;
}
