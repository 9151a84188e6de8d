// What is pending is the parent's: a child of fork begins with nothing. What is sent to the child the child gets.
#include "oracle.h"

static volatile sig_atomic_t handled;

static void handler(int unused)
{
    (void)unused;
    handled++;
}

static void *body(void *unused)
{
    sigset_t set, pending;
    struct timespec none = {0};
    int status;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    MUST(raise(SIGUSR1) == 0 && raise(SIGRTMIN) == 0 && kill(getpid(), SIGRTMIN) == 0);
    MUST(sigpending(&pending) == 0);
    say("parent: %d %d", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGRTMIN));
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        begin();
        MUST(sigpending(&pending) == 0);
        say("child: %d %d", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGRTMIN));
        MUST(kill(getpid(), SIGUSR1) == 0);
        MUST(sigpending(&pending) == 0);
        say("child: %d %d", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGRTMIN));
        MUST(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
        say("child handled %d", (int)handled);
        finish(start(return_it, NULL));
        MUST(raise(SIGUSR1) == 0);
        say("child handled %d", (int)handled);
        _exit(0);
    }
    MUST(waitpid(child, &status, 0) == child);
    for (int i = 0; i < 3; i++)
        say_call("taken", sigtimedwait(&set, NULL, &none) > 0 ? 1 : 0);
    say_call("no more", sigtimedwait(&set, NULL, &none));
    return unused;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_handler = handler};
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    MUST(sigaction(SIGRTMIN, &action, NULL) == 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    for (int i = 0; i < 3; i++)
        finish(start(body, NULL));
    return 0;
}
