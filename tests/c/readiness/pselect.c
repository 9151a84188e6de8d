// pselect: the timespec is left alone, the mask holds for the wait, and a signal ends it.
#include "oracle.h"

#include <sys/select.h>

static volatile sig_atomic_t handled;

static void handler(int unused)
{
    (void)unused;
    handled++;
}

static void *body(void *unused)
{
    int ends[2];
    fd_set in;
    struct timespec span = span_ms(30), wrong = {.tv_nsec = -1};
    sigset_t set, old;
    MUST(pipe(ends) == 0);
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    long long began = now_ns(CLOCK_MONOTONIC);
    say_call("time out", pselect(ends[0] + 1, &in, NULL, NULL, &span, NULL));
    say_took("  that", began, 30);
    say("the span is left alone: %d", span.tv_nsec == 30000000);
    say_call("no such span", pselect(0, NULL, NULL, NULL, &wrong, NULL));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    MUST(pthread_sigmask(SIG_BLOCK, &set, &old) == 0);
    MUST(pthread_kill(pthread_self(), SIGUSR1) == 0);
    FD_SET(ends[0], &in);
    say_call("with the signal let in", pselect(ends[0] + 1, &in, NULL, NULL, NULL, &old));
    say("handled: %d", (int)handled);
    MUST(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
    MUST(write(ends[1], "x", 1) == 1);
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    say_call("ready", pselect(ends[0] + 1, &in, NULL, NULL, NULL, &set));
    MUST(close(ends[0]) == 0 && close(ends[1]) == 0);
    return unused;
}

int main(void)
{
    begin();
    handle(SIGUSR1, handler, SA_RESTART);
    body(NULL);
    handled = 0;
    say("in a thread:");
    finish(start(body, NULL));
    return 0;
}
