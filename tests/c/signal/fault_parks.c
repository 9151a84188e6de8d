// A handler of faults that waits leaves the thread's mask as it was, and works the next time.
#include "oracle.h"

static char *page;
static __thread volatile int faults;

static void handler(int unused, siginfo_t *info, void *context)
{
    (void)unused;
    (void)context;
    MUST((char *)info->si_addr >= page && (char *)info->si_addr < page + 4 * 4096);
    usleep(2000);
    faults++;
    MUST(mprotect((void *)((uintptr_t)info->si_addr & ~4095UL), 4096, PROT_READ | PROT_WRITE) == 0);
}

static void *body(void *index)
{
    char *mine = page + 4096 * (intptr_t)index;
    sigset_t now;
    for (int i = 0; i < 4; i++) {
        mine[i] = (char)i;
        MUST(mine[i] == i);
        MUST(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
        MUST(!sigismember(&now, SIGSEGV) && !sigismember(&now, SIGUSR1));
        usleep(1000);
        MUST(mprotect(mine, 4096, PROT_NONE) == 0);
    }
    return (void *)(intptr_t)faults;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaddset(&action.sa_mask, SIGUSR1);
    MUST(sigaction(SIGSEGV, &action, NULL) == 0);
    page = mmap(NULL, 4 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(page != MAP_FAILED);
    pthread_t threads[4];
    for (intptr_t i = 0; i < 4; i++)
        threads[i] = start(body, (void *)i);
    for (int i = 0; i < 4; i++)
        say("thread %d: %ld faults", i, (long)(intptr_t)finish(threads[i]));
    return 0;
}
