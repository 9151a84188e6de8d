// pthread_attr_setsigmask_np: the thread begins with that mask, not with its creator's; so with the default attributes'.
#include "oracle.h"

static void *look(void *ignored)
{
    sigset_t mask;
    MUST(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0);
    say("usr1 %d, usr2 %d", sigismember(&mask, SIGUSR1), sigismember(&mask, SIGUSR2));
    return ignored;
}

static void with(const sigset_t *mask)
{
    pthread_attr_t attributes;
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setsigmask_np(&attributes, mask) == 0);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        MUST(pthread_create(&thread, &attributes, look, NULL) == 0);
        finish(thread);
    }
    MUST(pthread_attr_destroy(&attributes) == 0);
}

int main(void)
{
    begin();
    sigset_t none, one, other;
    sigemptyset(&none);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    sigemptyset(&other);
    sigaddset(&other, SIGUSR2);
    with(&one);
    MUST(pthread_sigmask(SIG_SETMASK, &other, NULL) == 0);
    with(&one);
    with(&none);
    finish(start(look, NULL));
    pthread_attr_t standard;
    MUST(pthread_attr_init(&standard) == 0);
    MUST(pthread_attr_setsigmask_np(&standard, &one) == 0);
    MUST(pthread_setattr_default_np(&standard) == 0);
    finish(start(look, NULL));
    with(&none);
    return 0;
}
