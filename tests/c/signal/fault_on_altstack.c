// Handlers of faults on alternate stacks that wait, while other threads of the same worker fault: each has its own frame, on its
// own stack. What a handler finds in its context, and what becomes of it; a thread without an alternate stack; a fault
// inside a handler; a jump out; a stack that disables itself meanwhile.
#include "oracle.h"

#include <setjmp.h>
#include <ucontext.h>

enum { SIZE = 64 * 1024, THREADS = 8, ROUNDS = 6, DISARM = 1 << 31 };

static char *pages;
static double sums[THREADS];
static __thread char *mine, *page;
static __thread stack_t alternate;
static __thread volatile int faults, nested;
static __thread sigjmp_buf jump;
static __thread volatile bool jumps;

static bool on_alternate(const void *at)
{
    return (const char *)at >= mine && (const char *)at < mine + SIZE;
}

static void handler(int signal_number, siginfo_t *info, void *context)
{
    ucontext_t *interrupted = context;
    char here[256];
    stack_t now;
    memset(here, faults, sizeof here);
    MUST((char *)info->si_addr == page);
    MUST(mine ? on_alternate(here) && on_alternate(info) && on_alternate(context)
              : (char *)interrupted->uc_mcontext.gregs[REG_RSP] > here);
    stack_t shown = alternate;
    if (nested && alternate.ss_flags == DISARM)
        shown = (stack_t){.ss_flags = SS_DISABLE};
    MUST(interrupted->uc_stack.ss_sp == shown.ss_sp && interrupted->uc_stack.ss_size == shown.ss_size);
    MUST(interrupted->uc_stack.ss_flags == shown.ss_flags);
    MUST(sigaltstack(NULL, &now) == 0);
    MUST(now.ss_flags == (!mine || alternate.ss_flags == DISARM ? SS_DISABLE : SS_ONSTACK));
    if (jumps)
        siglongjmp(jump, 1);
    usleep(1000 + 500 * (unsigned)(faults % 3));
    if (faults % 2 == 0 && nested == 0) {
        nested++;
        MUST(signal_number == SIGSEGV && mprotect(page, 4096, PROT_READ) == 0);
        *page = 1; // again: this time to write what can be read
        nested--;
    } else {
        MUST(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
    }
    for (size_t i = 0; i < sizeof here; i++)
        MUST(here[i] == (char)faults || nested == 0);
    faults++;
}

// Registers that a handler must leave alone: many values are alive over the fault.
static double fault_once(int n)
{
    double a = n + 0.5, b = a * 3, c = b - 7, d = c * c;
    long e = n * 7L, f = e ^ 0x5555, g = f + 99;
    *(volatile char *)page = (char)n;
    MUST(*(volatile char *)page == (char)n || *(volatile char *)page == 1);
    return a + b + c + d + (double)(e + f + g);
}

static void *body(void *index)
{
    int kind = (int)(intptr_t)index % 4;
    page = pages + 4096 * (intptr_t)index;
    alternate.ss_flags = SS_DISABLE;
    if (kind != 3) {
        mine = malloc(SIZE);
        alternate = (stack_t){.ss_sp = mine, .ss_size = SIZE, .ss_flags = kind == 2 ? DISARM : 0};
        MUST(mine && sigaltstack(&alternate, NULL) == 0);
    }
    double sum = 0;
    for (int i = 0; i < ROUNDS; i++) {
        sum += fault_once(i);
        usleep(700);
        MUST(mprotect(page, 4096, PROT_NONE) == 0);
        stack_t now;
        MUST(sigaltstack(NULL, &now) == 0 && now.ss_sp == alternate.ss_sp && now.ss_flags == alternate.ss_flags);
    }
    if (kind == 0) {
        jumps = true;
        if (sigsetjmp(jump, 1) == 0)
            *(volatile char *)page = 1;
        jumps = false;
        MUST(mprotect(page, 4096, PROT_NONE) == 0);
        sum += fault_once(1);
    }
    MUST(sum > 0);
    sums[(intptr_t)index] = sum;
    return (void *)(intptr_t)faults;
}

// What a handler sets meanwhile is undone when it returns: the context says what was before.
static char first[SIZE], second[SIZE];

static void set_another(int unused, siginfo_t *info, void *context)
{
    stack_t other = {.ss_sp = second, .ss_size = SIZE};
    ucontext_t *interrupted = context;
    (void)unused;
    (void)info;
    say_call("another, meanwhile", sigaltstack(&other, NULL));
    if (interrupted->uc_mcontext.gregs[REG_RSP] == 0)
        abort();
}

static void set_in_context(int unused, siginfo_t *info, void *context)
{
    ucontext_t *interrupted = context;
    (void)unused;
    (void)info;
    interrupted->uc_stack = (stack_t){.ss_sp = second, .ss_size = SIZE};
}

static void *sets(void *unused)
{
    stack_t now, own = {.ss_sp = first, .ss_size = SIZE};
    MUST(sigaltstack(&own, NULL) == 0);
    for (int how = 0; how < 4; how++) {
        struct sigaction action = {.sa_sigaction = how < 2 ? set_another : set_in_context, .sa_flags = SA_SIGINFO};
        MUST(sigaction(SIGUSR1, &action, NULL) == 0);
        if (how % 2)
            MUST(raise(SIGUSR1) == 0);
        else
            MUST(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1) == 0);
        MUST(sigaltstack(NULL, &now) == 0);
        say("afterwards: %s", now.ss_sp == first ? "its own" : now.ss_sp == second ? "the other" : "?");
        MUST(sigaltstack(&own, NULL) == 0);
    }
    return unused;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    MUST(sigaction(SIGSEGV, &action, NULL) == 0);
    pages = mmap(NULL, THREADS * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(pages != MAP_FAILED);
    for (int round = 0; round < 3; round++) {
        pthread_t threads[THREADS];
        MUST(mprotect(pages, THREADS * 4096, PROT_NONE) == 0);
        for (intptr_t i = 0; i < THREADS; i++)
            threads[i] = start(body, (void *)i);
        for (int i = 0; i < THREADS; i++) {
            int count = (int)(intptr_t)finish(threads[i]);
            say("thread %d: %d faults, %.2f", i, count, sums[i]);
        }
    }
    finish(start(sets, NULL));
    return 0;
}
