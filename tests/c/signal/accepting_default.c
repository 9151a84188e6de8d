// A signal with its default action that main blocks ends the process, because a parked thread accepts it.
// ends: signal 15
#include "oracle.h"

static void *parked(void *unused)
{
    sigset_t none;
    sigemptyset(&none);
    MUST(pthread_sigmask(SIG_SETMASK, &none, NULL) == 0);
    sleep(100);
    return unused;
}

int main(void)
{
    begin();
    sigset_t all;
    sigfillset(&all);
    MUST(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
    start(parked, NULL);
    settle();
    say("sending");
    MUST(kill(getpid(), SIGTERM) == 0);
    settle();
    sleep(5);
    say("never");
    return 0;
}
