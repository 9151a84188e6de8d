// A thread that catches the overflow of its own stack: the handler runs on the alternate stack, learns the address and that it is a guard's, and ends the
// process in its own way.
// ends: exit 9
#include "oracle.h"

static char *low;

static void on_fault(int number, siginfo_t *info, void *unused)
{
    (void)unused;
    char *at = info->si_addr;
    say_from_handler(info->si_code == SEGV_ACCERR ? "SEGV_ACCERR\n" : "another code\n");
    say_from_handler(number == SIGSEGV && at < low + 65536 && at > low - 65536 ? "overflow caught\n" : "another fault\n");
    _exit(9);
}

static int deeper(int depth)
{
    volatile char room[1000];
    room[0] = (char)depth;
    if (depth < 0)
        return 0;
    return deeper(depth + 1) + room[0];
}

static void *body(void *unused)
{
    pthread_attr_t attributes;
    size_t size;
    void *stack_address;
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    MUST(sigaltstack(&stack, NULL) == 0);
    MUST(pthread_getattr_np(pthread_self(), &attributes) == 0);
    MUST(pthread_attr_getstack(&attributes, &stack_address, &size) == 0);
    low = stack_address;
    say("never: %d", deeper(0));
    return unused;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    MUST(sigaction(SIGSEGV, &action, NULL) == 0);
    finish(start(body, NULL));
    return 0;
}
