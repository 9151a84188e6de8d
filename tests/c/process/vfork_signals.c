// A vfork child has its own signal mask and its own dispositions, which begin as its parent's: what it sets there changes
// nothing in the parent, and a handler that runs in the child runs there and then, though in the parent's memory.
#include "oracle.h"

static volatile int ran_in, times;

static void handler(int signal_number)
{
    (void)signal_number;
    ran_in = getpid();
    times++;
}

static void other_handler(int signal_number)
{
    (void)signal_number;
    times += 100;
}

static void *parked(void *unused)
{
    sleep(100);
    return unused;
}

static void say_mask(const char *what)
{
    sigset_t set;
    MUST(pthread_sigmask(SIG_SETMASK, NULL, &set) == 0);
    say("%s: blocked USR1 %d, USR2 %d, HUP %d", what, sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2),
        sigismember(&set, SIGHUP));
}

static void say_actions(const char *what)
{
    struct sigaction one, two;
    MUST(sigaction(SIGUSR1, NULL, &one) == 0 && sigaction(SIGUSR2, NULL, &two) == 0);
    say("%s: USR1 %d, USR2 %d", what, one.sa_handler == handler, two.sa_handler == handler);
}

static void *body(void *unused)
{
    sigset_t some, all, seen;
    volatile bool inherited = false, cleared = false, own = false, at_once = false, by_kill = false, shown = false;
    volatile int child_times = 0;
    sigemptyset(&some);
    sigaddset(&some, SIGHUP);
    sigfillset(&all);
    MUST(pthread_sigmask(SIG_SETMASK, &some, NULL) == 0);
    pid_t child = vfork();
    if (child == 0) {
        sigprocmask(SIG_SETMASK, NULL, &seen);
        inherited = sigismember(&seen, SIGHUP) == 1 && sigismember(&seen, SIGUSR1) == 0;
        times = 0;
        raise(SIGUSR1);
        at_once = times == 1 && ran_in == getpid();
        kill(getpid(), SIGUSR1);
        by_kill = times == 2 && ran_in == getpid();
        struct sigaction now;
        sigaction(SIGUSR2, NULL, &now);
        shown = now.sa_handler == handler && signal(SIGUSR1, SIG_DFL) == handler;
        struct sigaction other = {.sa_handler = other_handler};
        sigaction(SIGUSR2, &other, NULL);
        kill(getpid(), SIGUSR2);
        own = times == 102;
        child_times = times;
        pthread_sigmask(SIG_SETMASK, &all, NULL);
        signal(SIGTERM, SIG_IGN);
        execl("/bin/sh", "sh", "-c", "kill -TERM $$; exit 7", (char *)NULL);
        _exit(127);
    }
    say("the actions were shown: %d", shown);
    say("the mask was inherited: %d; handlers ran at once, in the child: %d %d; its own: %d; seen by the parent: %d",
        inherited, at_once, by_kill, own, child_times);
    say_child("child", child);
    say_mask("parent");
    say_actions("parent");
    times = 0;
    raise(SIGUSR1);
    raise(SIGUSR2);
    say("handlers run in the parent: %d %d", times, ran_in == getpid());

    // As CPython's subprocess does it: all blocked in the parent, unblocked in the child.
    sigset_t before;
    MUST(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    child = vfork();
    if (child == 0) {
        for (int s = 1; s < NSIG; s++)
            if (s != SIGKILL && s != SIGSTOP)
                signal(s, SIG_DFL);
        sigprocmask(SIG_SETMASK, &before, NULL);
        sigprocmask(SIG_SETMASK, NULL, &seen);
        cleared = sigismember(&seen, SIGUSR1) == 0;
        execl("/bin/sh", "sh", "-c", "kill -USR1 $$; exit 8", (char *)NULL);
        _exit(127);
    }
    say("cleared in the child: %d", cleared);
    say_mask("parent, all");
    MUST(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    say_child("child", child);
    say_actions("parent");
    say_mask("parent");
    times = 0;
    MUST(pthread_kill(pthread_self(), SIGUSR2) == 0);
    say("handlers run in the parent: %d", times);
    sigemptyset(&some);
    MUST(pthread_sigmask(SIG_SETMASK, &some, NULL) == 0);
    return unused;
}

int main(void)
{
    begin();
    handle(SIGUSR1, handler, SA_RESTART);
    handle(SIGUSR2, handler, SA_RESTART);
    start(parked, NULL);
    finish(start(body, NULL));
    say("in main:");
    body(NULL);
    return 0;
}
