// A thread that handles its own faults and goes on, as language run-times do: null pointers probed in several threads that switch.
#include "oracle.h"

#include <setjmp.h>

static __thread sigjmp_buf back;
static int caught;

static void on_fault(int unused)
{
    (void)unused;
    siglongjmp(back, 1);
}

static void *body(void *unused)
{
    for (volatile int i = 0; i < 20; i++) {
        if (sigsetjmp(back, 1) == 0) {
            *(volatile int *)(uintptr_t)(16 + i * 4) = 1;
            say("never");
        } else
            __atomic_add_fetch(&caught, 1, __ATOMIC_SEQ_CST);
        if (i % 5 == 0)
            usleep(100);
    }
    return unused;
}

int main(void)
{
    begin();
    pthread_t threads[8];
    handle(SIGSEGV, on_fault, 0);
    for (int i = 0; i < 8; i++)
        threads[i] = start(body, NULL);
    for (int i = 0; i < 8; i++)
        finish(threads[i]);
    say("caught: %d", caught);
    return 0;
}
