// Sets and stacks where there is no memory: EFAULT where the kernel is who looks. sigpending fills in no more than it has to say.
#include "oracle.h"

static void *volatile nowhere = (void *)8;

static void *try(void *unused)
{
    say_call("sigpending", sigpending(nowhere));
    say_call("sigsuspend", sigsuspend(nowhere));
    say("sigwait: %s", error_name(sigwait(nowhere, &(int){0})));
    say_call("sigwaitinfo", sigwaitinfo(nowhere, NULL));
    say_call("sigtimedwait", sigtimedwait(nowhere, NULL, &(struct timespec){0}));
    say_call("sigtimedwait, the span", sigtimedwait(&(sigset_t){0}, NULL, nowhere));
    say_call("sigaltstack", sigaltstack(nowhere, NULL));
    say_call("sigaltstack, the old one", sigaltstack(NULL, nowhere));
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    say("pthread_sigmask: %s", error_name(pthread_sigmask(SIG_BLOCK, &some, nowhere)));
    MUST(pthread_sigmask(SIG_BLOCK, NULL, &some) == 0);
    say("the mask has changed: %d", sigismember(&some, SIGUSR1));
    unsigned char set[sizeof(sigset_t)];
    memset(set, 0xff, sizeof set);
    MUST(sigpending((sigset_t *)set) == 0);
    say("of a set: %d, of what follows: %d", set[0], set[sizeof set - 1]);
    return unused;
}

int main(void)
{
    begin();
    try(NULL);
    finish(start(try, NULL));
    return 0;
}
