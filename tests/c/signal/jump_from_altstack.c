// A jump from an alternate stack that lies above the thread's own, by the function that looks whether a jump leads outwards.
#include "oracle.h"

#include <setjmp.h>

enum { SIZE = 256 * 1024, TIMES = 3 };

extern void __longjmp_chk(sigjmp_buf to, int value) __attribute__((noreturn));

static sigjmp_buf back;
static char *stacks;

static void jump_back(int unused)
{
    (void)unused;
    stack_t now;
    MUST(sigaltstack(NULL, &now) == 0);
    say("on it: %d", now.ss_flags & SS_ONSTACK);
    __longjmp_chk(back, 1);
}

static void *body(void *unused)
{
    stack_t own = {.ss_sp = stacks + SIZE, .ss_size = SIZE};
    MUST(sigaltstack(&own, NULL) == 0);
    for (volatile int i = 0; i < TIMES; i++) {
        if (sigsetjmp(back, 1) == 0)
            raise(SIGUSR1);
        if (sigsetjmp(back, 1) == 0)
            *(volatile int *)(uintptr_t)16 = 1;
    }
    return unused;
}

int main(void)
{
    begin();
    stacks = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(stacks != MAP_FAILED);
    handle(SIGUSR1, jump_back, SA_ONSTACK);
    handle(SIGSEGV, jump_back, SA_ONSTACK);
    pthread_attr_t attributes;
    pthread_t thread;
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setstack(&attributes, stacks, SIZE) == 0);
    MUST(pthread_create(&thread, &attributes, body, NULL) == 0);
    finish(thread);
    return 0;
}
