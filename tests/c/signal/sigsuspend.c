// sigsuspend and pause in a thread: the mask that lets one signal in, EINTR afterwards, the old mask back.
#include "oracle.h"

static volatile sig_atomic_t handled;

static void handler(int unused)
{
    (void)unused;
    handled++;
}

static void *body(void *unused)
{
    sigset_t block, old, now;
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    MUST(pthread_sigmask(SIG_BLOCK, &block, &old) == 0);
    MUST(pthread_kill(pthread_self(), SIGUSR1) == 0);
    say("blocked: handled %d", (int)handled);
    long result = sigsuspend(&old);
    say_call("sigsuspend", result);
    say("handled %d", (int)handled);
    MUST(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
    say("blocked again: %d", sigismember(&now, SIGUSR1));
    MUST(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
    return unused;
}

static void *suspended(void *unused)
{
    sigset_t none;
    sigemptyset(&none);
    long result = sigsuspend(&none);
    say_call("sigsuspend, from outside", result);
    handled = 100;
    return unused;
}

int main(void)
{
    begin();
    handle(SIGUSR1, handler, SA_RESTART);
    body(NULL);
    finish(start(body, NULL));
    handled = 0;
    pthread_t thread = start(suspended, NULL);
    while (handled < 100) {
        MUST(pthread_kill(thread, SIGUSR1) == 0);
        sleep_ms(5);
    }
    finish(thread);
    return 0;
}
