// What main was sent, and blocks, before there was a second thread is main's: no other thread finds it pending.
#include "oracle.h"

static volatile sig_atomic_t ran[NSIG];

static void on_signal(int signo)
{
    ran[signo]++;
}

static void say_pending(const char *who)
{
    sigset_t set;
    MUST(sigpending(&set) == 0);
    say("%s: SIGUSR1 %d, SIGUSR2 %d, real-time %d", who, sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2),
        sigismember(&set, SIGRTMIN));
}

static void *ask(void *unused)
{
    say_pending("another");
    return unused;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_handler = on_signal};
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    MUST(sigaction(SIGUSR2, &action, NULL) == 0);
    MUST(sigaction(SIGRTMIN, &action, NULL) == 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGRTMIN);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    MUST(raise(SIGUSR1) == 0);
    MUST(raise(SIGRTMIN) == 0);
    MUST(raise(SIGRTMIN) == 0);
    MUST(kill(getpid(), SIGUSR2) == 0);
    say_pending("main, alone");
    finish(start(ask, NULL));
    say_pending("main");
    MUST(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
    say_pending("main, after the handlers");
    say("handlers: %d, %d, %d", ran[SIGUSR1], ran[SIGUSR2], ran[SIGRTMIN]);
    finish(start(ask, NULL));
}
