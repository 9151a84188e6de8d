// The first thread of a forked child, which makes threads itself, blocks a signal that its parent's did not: that takes no time.
#include "oracle.h"

static void *nothing(void *unused)
{
    return unused;
}

static void child(void)
{
    sigset_t one;
    finish(start(nothing, NULL));
    MUST(sigemptyset(&one) == 0 && sigaddset(&one, SIGUSR1) == 0);
    long long began = now_ns(CLOCK_MONOTONIC);
    MUST(pthread_sigmask(SIG_BLOCK, &one, NULL) == 0);
    say_took("the child's mask", began, 0);
}

int main(void)
{
    begin();
    finish(start(nothing, NULL));
    fflush(stdout);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        child();
        fflush(stdout);
        _exit(0);
    }
    int status;
    MUST(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}
