// sigwaitinfo and sigtimedwait: a handler of another signal ends them with EINTR, SA_RESTART or not; sigwait goes on. A signal
// that is awaited does not run its handler, blocked or not. Time-outs of zero take what is there. Main waits too.
#include "oracle.h"

static volatile sig_atomic_t handled;
static sigset_t set;

static void handler(int unused)
{
    (void)unused;
    handled++;
}

static void *restless(void *flags)
{
    siginfo_t info;
    struct timespec long_time = span_ms(5000), none = {0};
    (void)flags;
    say_call("sigwaitinfo", sigwaitinfo(&set, &info));
    say_call("sigtimedwait", sigtimedwait(&set, &info, &long_time));
    say("handled %d", (int)handled);
    say_call("nothing there", sigtimedwait(&set, NULL, &none));
    MUST(raise(SIGUSR2) == 0);
    say_call("there", sigtimedwait(&set, NULL, &none));
    int number = 0;
    say_error("sigwait", sigwait(&set, &number));
    say("number %d, handled %d", number, (int)handled);
    return NULL;
}

static void poke(pthread_t thread, int number)
{
    settle();
    MUST(pthread_kill(thread, number) == 0);
}

static void *poker(void *main_thread)
{
    poke(*(pthread_t *)main_thread, SIGUSR1);
    settle();
    MUST(kill(getpid(), SIGUSR2) == 0);
    return NULL;
}

int main(void)
{
    begin();
    for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
        struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
        MUST(sigaction(SIGUSR1, &action, NULL) == 0);
        MUST(sigaction(SIGUSR2, &action, NULL) == 0);
        handled = 0;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
        pthread_t thread = start(restless, NULL), me = pthread_self();
        for (int i = 0; i < 3; i++)
            poke(thread, SIGUSR1);
        poke(thread, SIGUSR2);
        finish(thread);
        thread = start(poker, &me);
        siginfo_t info;
        say_call("main's sigwaitinfo", sigwaitinfo(&set, &info));
        say_call("main's sigwaitinfo", sigwaitinfo(&set, &info));
        finish(thread);
        MUST(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
    }
    return 0;
}
