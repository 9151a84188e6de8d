// Handlers of faults that fault again, on an alternate stack that has room for some of them: the kernel ends the process. And a
// handler for whom the stack of its thread, which has no alternate one, has no room.
#include "oracle.h"

static void again(int unused)
{
    (void)unused;
    *(volatile char *)1 = 1;
}

static void *nested(void *unused)
{
    enum { SIZE = 32 * 1024 };
    char *memory = mmap(NULL, 2 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(memory != MAP_FAILED && mprotect(memory + SIZE, SIZE, PROT_READ | PROT_WRITE) == 0);
    stack_t alternate = {.ss_sp = memory + SIZE, .ss_size = SIZE};
    MUST(sigaltstack(&alternate, NULL) == 0);
    *(volatile char *)1 = 1;
    return unused;
}

static volatile int depth;

static int deeper(volatile char *before)
{
    char here[1000];
    here[0] = before[0];
    depth++;
    return deeper(here) + here[0];
}

static void *overflows(void *unused)
{
    char start[1] = {0};
    deeper(start);
    return unused;
}

static void never(int unused)
{
    (void)unused;
    say_from_handler("never\n");
    _exit(3);
}

static void in_child(void (*handler)(int), void *(*body)(void *))
{
    pid_t child = fork();
    if (child == 0) {
        begin();
        handle(SIGSEGV, handler, SA_ONSTACK | SA_NODEFER);
        finish(start_small(body, NULL));
        _exit(7);
    }
    say_child("child", child);
}

int main(void)
{
    begin();
    in_child(again, nested);
    handle(SIGUSR1, never, 0);
    in_child(again, overflows);
    finish(start(return_it, NULL));
    in_child(again, nested);
    pid_t child = fork();
    if (child == 0) {
        begin();
        handle(SIGSEGV, never, SA_ONSTACK);
        finish(start_small(overflows, NULL));
        _exit(7);
    }
    say_child("child", child);
    return 0;
}
