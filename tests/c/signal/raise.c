// Signals to oneself: raise and pthread_kill are handled before they return, in the thread that called; kill before it returns if
// there is only one thread that could; information and context are passed.
#include "oracle.h"

static __thread int mine;
static volatile sig_atomic_t handled, in_me, code;

static void handler(int unused)
{
    (void)unused;
    handled++;
    in_me = mine;
}

static void with_information(int unused, siginfo_t *info, void *context)
{
    (void)unused;
    handled++;
    in_me = mine;
    code = context ? info->si_code : 99;
    if (info->si_code == SI_QUEUE)
        mine = info->si_value.sival_int;
}

static void *body(void *number)
{
    mine = (int)(intptr_t)number;
    handled = 0;
    MUST(raise(SIGUSR1) == 0);
    say("raise: handled %d, in me %d", (int)handled, in_me == mine);
    MUST(pthread_kill(pthread_self(), SIGUSR1) == 0);
    say("pthread_kill: handled %d, in me %d", (int)handled, in_me == mine);
    MUST(raise(SIGUSR2) == 0);
    say("with information: handled %d, code of tkill %d", (int)handled, code == SI_TKILL);
    union sigval value = {.sival_int = 1234};
    MUST(pthread_sigqueue(pthread_self(), SIGUSR2, value) == 0);
    say("queued: handled %d, value %d", (int)handled, mine);
    say_call("no such signal", raise(9999));
    return NULL;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_sigaction = with_information, .sa_flags = SA_SIGINFO};
    handle(SIGUSR1, handler, 0);
    MUST(sigaction(SIGUSR2, &action, NULL) == 0);
    mine = 7;
    MUST(kill(getpid(), SIGUSR1) == 0);
    say("kill, one thread: handled %d", (int)handled);
    body((void *)1);
    finish(start(body, (void *)2));
    for (intptr_t i = 0; i < 3; i++)
        finish(start(body, (void *)(i + 3)));
    return 0;
}
