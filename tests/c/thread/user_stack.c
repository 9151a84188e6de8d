// A stack that the program owns: used, reported, ours again after the join, and usable for the next thread.
#include "oracle.h"

enum { SIZE = 256 * 1024 };

static char *stack_memory;

static void *body(void *unused)
{
    char local[1000];
    pthread_attr_t attributes;
    void *stack;
    size_t size;
    memset(local, 'x', sizeof local);
    sched_yield();
    MUST(pthread_getattr_np(pthread_self(), &attributes) == 0);
    MUST(pthread_attr_getstack(&attributes, &stack, &size) == 0);
    say("reported: address %d, size %zu", stack == stack_memory, size);
    say("on it: %d", local >= stack_memory && local < stack_memory + SIZE);
    MUST(pthread_attr_destroy(&attributes) == 0);
    return unused;
}

int main(void)
{
    begin();
    pthread_attr_t attributes;
    stack_memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(stack_memory != MAP_FAILED);
    MUST(pthread_attr_init(&attributes) == 0);
    say_error("set", pthread_attr_setstack(&attributes, stack_memory, SIZE));
    for (int round = 0; round < 3; round++) {
        pthread_t thread;
        MUST(pthread_create(&thread, &attributes, body, NULL) == 0);
        finish(thread);
        memset(stack_memory, 0x5a, SIZE);
    }
    say_error("too small", pthread_attr_setstack(&attributes, stack_memory, 100));
    say_call("unmap", munmap(stack_memory, SIZE));
    // The pool of recycled stacks must not have kept it.
    for (int i = 0; i < 20; i++)
        finish(start(return_it, NULL));
    say("others run after that");
    return 0;
}
