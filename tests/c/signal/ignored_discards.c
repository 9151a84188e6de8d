// To ignore a signal discards what is pending of it, for a thread and for the process; a handler that is installed afterwards does
// not see it. The default of SIGCHLD ignores too, that of SIGUSR1 does not.
#include "oracle.h"

static volatile sig_atomic_t handled;

static void handler(int unused)
{
    (void)unused;
    handled++;
}

static void *body(void *to_process)
{
    static const int numbers[] = {SIGUSR1, SIGCHLD};
    sigset_t set, pending, old;
    for (int i = 0; i < 2; i++)
        for (int how = 0; how < 2; how++) {
            struct sigaction action = {.sa_handler = handler}, none = {.sa_handler = how || i == 0 ? SIG_IGN : SIG_DFL};
            sigemptyset(&set);
            sigaddset(&set, numbers[i]);
            MUST(sigaction(numbers[i], &action, NULL) == 0);
            MUST(pthread_sigmask(SIG_BLOCK, &set, &old) == 0);
            MUST(to_process ? kill(getpid(), numbers[i]) == 0 : raise(numbers[i]) == 0);
            MUST(sigpending(&pending) == 0);
            say("pending: %d", sigismember(&pending, numbers[i]));
            MUST(sigaction(numbers[i], &none, NULL) == 0);
            MUST(sigpending(&pending) == 0);
            say("ignored: %d", sigismember(&pending, numbers[i]));
            MUST(sigaction(numbers[i], &action, NULL) == 0);
            MUST(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
            say("handled %d", (int)handled);
        }
    return NULL;
}

int main(void)
{
    begin();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    for (intptr_t to_process = 0; to_process < 2; to_process++)
        finish(start(body, (void *)to_process));
    return 0;
}
