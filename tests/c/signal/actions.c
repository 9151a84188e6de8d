// sigaction tells back what was set, also for signals that nobody handled; one-shot handlers, SIG_IGN, signal(), siginterrupt(), nested
// handlers and SA_NODEFER.
#include "oracle.h"

static volatile sig_atomic_t handled, depth, deepest;

static void handler(int unused)
{
    (void)unused;
    handled++;
}

static void nested(int number)
{
    if (++depth > deepest)
        deepest = depth;
    if (handled++ < 3)
        raise(number);
    depth--;
}

static void *body(void *unused)
{
    struct sigaction action, told;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigaddset(&action.sa_mask, SIGHUP);
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    MUST(sigaction(SIGUSR1, NULL, &told) == 0);
    say("told back: handler %d, restart %d, mask %d %d", told.sa_handler == handler, (told.sa_flags & SA_RESTART) != 0,
        sigismember(&told.sa_mask, SIGHUP), sigismember(&told.sa_mask, SIGINT));
    say("signal: %d", signal(SIGUSR1, SIG_IGN) == handler);
    MUST(raise(SIGUSR1) == 0);
    say("ignored: handled %d", (int)handled);
    say("signal: %d", signal(SIGUSR1, handler) == SIG_IGN);
    MUST(raise(SIGUSR1) == 0);
    say("handled %d", (int)handled);
    handle(SIGUSR1, handler, (int)SA_RESETHAND);
    MUST(raise(SIGUSR1) == 0);
    MUST(sigaction(SIGUSR1, NULL, &told) == 0);
    say("one shot: handled %d, default again %d, one-shot still %d", (int)handled, told.sa_handler == SIG_DFL,
        (told.sa_flags & (int)SA_RESETHAND) != 0);
    handled = deepest = 0;
    handle(SIGUSR2, nested, 0);
    MUST(raise(SIGUSR2) == 0);
    say("one after the other: handled %d, deepest %d", (int)handled, (int)deepest);
    handled = deepest = 0;
    handle(SIGUSR2, nested, SA_NODEFER);
    MUST(raise(SIGUSR2) == 0);
    say("nested: handled %d, deepest %d", (int)handled, (int)deepest);
    say_call("SIGKILL", sigaction(SIGKILL, &action, NULL));
    say_call("no such signal", sigaction(777, &action, NULL));
    say("signal of SIGSTOP: %d", signal(SIGSTOP, handler) == SIG_ERR);
    for (int interrupts = 1; interrupts >= 0; interrupts--) {
        MUST(siginterrupt(SIGUSR1, interrupts) == 0 && signal(SIGUSR1, handler) != SIG_ERR);
        MUST(sigaction(SIGUSR1, NULL, &told) == 0);
        say("signal after siginterrupt %d: restart %d", interrupts, (told.sa_flags & SA_RESTART) != 0);
    }
    handle(SIGUSR2, SIG_DFL, 0);
    handled = deepest = 0;
    return unused;
}

int main(void)
{
    begin();
    body(NULL);
    say("in a thread:");
    finish(start(body, NULL));
    return 0;
}
