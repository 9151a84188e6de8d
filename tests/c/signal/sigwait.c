// The thread that waits for signals, all others blocking them: sigwait, sigwaitinfo, sigtimedwait, and the sender's information.
#include "oracle.h"

static sigset_t set;
static sem_t ready;

static void *waiter(void *unused)
{
    int number;
    siginfo_t info;
    MUST(sem_post(&ready) == 0);
    say_error("sigwait", sigwait(&set, &number));
    say("signal %d", number);
    MUST(sem_post(&ready) == 0);
    MUST(sigwaitinfo(&set, &info) == SIGUSR2);
    say("sigwaitinfo: from me %d, value %d", info.si_pid == getpid(), info.si_value.sival_int);
    MUST(sem_post(&ready) == 0);
    MUST(sigwait(&set, &number) == 0);
    say("signal %d", number);
    return unused;
}

int main(void)
{
    begin();
    struct timespec span = span_ms(40), wrong = {.tv_nsec = -1};
    siginfo_t info;
    MUST(sem_init(&ready, 0, 0) == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGTERM);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    pthread_t thread = start(waiter, NULL);
    MUST(sem_wait(&ready) == 0);
    settle();
    MUST(kill(getpid(), SIGUSR1) == 0);
    MUST(sem_wait(&ready) == 0);
    union sigval value = {.sival_int = 77};
    MUST(sigqueue(getpid(), SIGUSR2, value) == 0);
    MUST(sem_wait(&ready) == 0);
    MUST(pthread_kill(thread, SIGTERM) == 0);
    finish(thread);
    long long began = now_ns(CLOCK_MONOTONIC);
    say_call("sigtimedwait", sigtimedwait(&set, &info, &span));
    say_took("  that", began, 40);
    say_call("no such span", sigtimedwait(&set, &info, &wrong));
    MUST(raise(SIGUSR1) == 0);
    sigset_t pending;
    MUST(sigpending(&pending) == 0);
    say("pending: %d %d", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2));
    say_call("taken", sigtimedwait(&set, &info, &span));
    MUST(sigpending(&pending) == 0);
    say("pending: %d", sigismember(&pending, SIGUSR1));
    return 0;
}
