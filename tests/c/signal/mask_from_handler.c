// What a handler writes into the mask of the context is the thread's mask afterwards, its own and no other's.
#include "oracle.h"

static void handler(int unused, siginfo_t *info, void *context)
{
    (void)unused;
    (void)info;
    sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGUSR2);
}

static void *body(void *changes)
{
    sigset_t now;
    for (int i = 0; i < 5; i++) {
        if (changes)
            MUST(raise(SIGUSR1) == 0);
        MUST(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
        MUST(sigismember(&now, SIGUSR2) == (changes != NULL));
        usleep(500);
        sched_yield();
        MUST(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &now, 8) == 0);
        MUST(sigismember(&now, SIGUSR2) == (changes != NULL));
    }
    return NULL;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    pthread_t threads[4];
    for (intptr_t i = 0; i < 4; i++)
        threads[i] = start(body, (void *)(i % 2));
    for (int i = 0; i < 4; i++)
        finish(threads[i]);
    say("each its own");
    return 0;
}
