// ppoll: timespec, wrong ones, and the signal mask that holds while it waits and only then.
#include "oracle.h"

static int ends[2];
static volatile sig_atomic_t handled;

static void handler(int unused)
{
    (void)unused;
    handled++;
}

static void *body(void *unused)
{
    struct pollfd item = {.fd = ends[0], .events = POLLIN};
    struct timespec span = span_ms(30), wrong = {.tv_nsec = 1000000000}, negative = {.tv_sec = -1}, zero = {0};
    sigset_t set, old;
    long long began = now_ns(CLOCK_MONOTONIC);
    say_call("time out", ppoll(&item, 1, &span, NULL));
    say_took("  that", began, 30);
    say("the span is left alone: %d", span.tv_nsec == 30000000);
    say_call("zero", ppoll(&item, 1, &zero, NULL));
    say_call("no such span", ppoll(&item, 1, &wrong, NULL));
    say_call("negative span", ppoll(&item, 1, &negative, NULL));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    MUST(pthread_sigmask(SIG_BLOCK, &set, &old) == 0);
    MUST(pthread_kill(pthread_self(), SIGUSR1) == 0);
    say("pending, not handled: %d", (int)handled);
    say_call("ppoll with the signal let in", ppoll(&item, 1, NULL, &old));
    say("handled: %d", (int)handled);
    MUST(pthread_sigmask(SIG_BLOCK, NULL, &set) == 0);
    say("blocked again: %d", sigismember(&set, SIGUSR1));
    MUST(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
    sigfillset(&set);
    MUST(write(ends[1], "x", 1) == 1);
    say_call("ready, all blocked", ppoll(&item, 1, NULL, &set));
    char byte;
    MUST(read(ends[0], &byte, 1) == 1);
    return unused;
}

int main(void)
{
    begin();
    MUST(pipe(ends) == 0);
    handle(SIGUSR1, handler, SA_RESTART);
    body(NULL);
    handled = 0;
    say("in a thread:");
    finish(start(body, NULL));
    return 0;
}
