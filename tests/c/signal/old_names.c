// Masks and dispositions by their older names: what they set is the thread's, through waits and other threads' turns.
#include "oracle.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static volatile sig_atomic_t ran;

static void on_signal(int signo)
{
    (void)signo;
    ran++;
}

static const char *disposition(void (*handler)(int))
{
    return handler == SIG_ERR    ? "error"
           : handler == SIG_DFL  ? "default"
           : handler == SIG_IGN  ? "ignored"
           : handler == SIG_HOLD ? "held"
                                 : "handler";
}

static void say_blocked(const char *when)
{
    sigset_t set;
    MUST(pthread_sigmask(SIG_BLOCK, NULL, &set) == 0);
    settle();
    say("%s: SIGUSR1 %d, SIGUSR2 %d, by number %x", when, sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2),
        (unsigned)siggetmask());
}

static void *body(void *unused)
{
    ran = 0;
    say("sigset: %s", disposition(sigset(SIGUSR1, on_signal)));
    say_call("sighold", sighold(SIGUSR1));
    say_blocked("held");
    MUST(pthread_kill(pthread_self(), SIGUSR1) == 0);
    settle();
    say("ran %d", ran);
    say_call("sigrelse", sigrelse(SIGUSR1));
    say("ran %d", ran);
    say("sigset to hold: %s", disposition(sigset(SIGUSR1, SIG_HOLD)));
    say("again: %s", disposition(sigset(SIGUSR1, SIG_HOLD)));
    say_blocked("by sigset");
    say("sigset: %s", disposition(sigset(SIGUSR1, on_signal)));
    say_blocked("released");
    say("sigblock: %x", (unsigned)sigblock(sigmask(SIGUSR2)));
    say_blocked("blocked");
    say("sigsetmask: %x", (unsigned)sigsetmask(sigmask(SIGUSR1)));
    say_blocked("set");
    say("sigsetmask: %x", (unsigned)sigsetmask(0));
    say_blocked("none");
    say_call("sigignore", sigignore(SIGUSR1));
    MUST(pthread_kill(pthread_self(), SIGUSR1) == 0);
    say("sigset: %s, ran %d", disposition(sigset(SIGUSR1, SIG_DFL)), ran);
    say_call("sighold of none", sighold(0));
    say_call("sigrelse of none", sigrelse(65));
    say_call("sigignore of SIGKILL", sigignore(SIGKILL));
    say("sigset of none: %s", disposition(sigset(0, SIG_IGN)));
    say("sigset of SIGKILL: %s", disposition(sigset(SIGKILL, on_signal)));
    return unused;
}

int main(void)
{
    begin();
    body(NULL);
    finish(start(body, NULL));
    say_blocked("main");
    body(NULL);
}
