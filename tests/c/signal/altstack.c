// Alternate signal stacks belong to the thread: a handler with SA_ONSTACK runs on the one of the thread it interrupts, others on
// the thread's own stack; a new thread has none.
#include "oracle.h"

enum { SIZE = 64 * 1024 };

static __thread char *mine;
static volatile bool on_it;

static void handler(int unused)
{
    char here;
    (void)unused;
    on_it = mine && &here >= mine && &here < mine + SIZE;
}

static void *body(void *with_one)
{
    stack_t stack, told;
    MUST(sigaltstack(NULL, &told) == 0);
    say("at first none: %d", (told.ss_flags & SS_DISABLE) != 0);
    if (with_one) {
        mine = malloc(SIZE);
        MUST(mine);
        stack = (stack_t){.ss_sp = mine, .ss_size = SIZE};
        MUST(sigaltstack(&stack, NULL) == 0);
        sched_yield();
        usleep(1000);
        MUST(sigaltstack(NULL, &told) == 0);
        say("told back: %d", told.ss_sp == mine && told.ss_size == SIZE);
    }
    MUST(raise(SIGUSR1) == 0);
    say("on the alternate stack: %d", on_it);
    MUST(raise(SIGUSR2) == 0);
    say("without SA_ONSTACK: %d", on_it);
    return NULL;
}

int main(void)
{
    begin();
    handle(SIGUSR1, handler, SA_ONSTACK);
    handle(SIGUSR2, handler, 0);
    for (intptr_t i = 0; i < 4; i++)
        finish(start(body, (void *)(i % 2)));
    body((void *)1);
    finish(start(body, NULL));
    return 0;
}
