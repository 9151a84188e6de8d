// The one program whose two outputs must not be the same: bare, each parked thread is a kernel thread, and under the
// library hardly any is. Without it a library that does nothing at all would pass every other test.
// preloaded: 60 parked threads: the kernel has few
#include "oracle.h"

enum { COUNT = 60, FEW = 20 };

static sem_t arrived, leave;

static void *park(void *unused)
{
    MUST(sem_post(&arrived) == 0);
    MUST(sem_wait(&leave) == 0);
    return unused;
}

int main(void)
{
    begin();
    pthread_t threads[COUNT];
    MUST(sem_init(&arrived, 0, 0) == 0 && sem_init(&leave, 0, 0) == 0);
    for (int i = 0; i < COUNT; i++)
        threads[i] = start(park, NULL);
    for (int i = 0; i < COUNT; i++)
        MUST(sem_wait(&arrived) == 0);
    say("%d parked threads: the kernel has %s", COUNT, kernel_threads() <= FEW ? "few" : "them all");
    for (int i = 0; i < COUNT; i++)
        MUST(sem_post(&leave) == 0);
    for (int i = 0; i < COUNT; i++)
        finish(threads[i]);
    return 0;
}
