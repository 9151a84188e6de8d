// A thread is sent a signal while it runs, answers, and the handler is taken away again: nothing of the signal is left that could end
// the process, whatever other threads do that block it.
#include "oracle.h"

enum { BURST = 5, BLOCKING = 3, WAITING = 2, LASTS_MS = 2500 };

static volatile int handled;
static volatile bool over;

static void on_signal(int unused)
{
    (void)unused;
    handled++;
}

static void compute(int steps)
{
    for (volatile int i = 0; i < steps; i++)
        ;
}

static void *answers(void *unused)
{
    unsigned seed = 1;
    while (!over) {
        switch (rand_r(&seed) % 3) {
        case 0: sched_yield(); break;
        case 1: compute(30000); break;
        default: usleep(20); break;
        }
    }
    return unused;
}

static void *blocks(void *set)
{
    unsigned seed = 2;
    MUST(pthread_sigmask(SIG_BLOCK, set, NULL) == 0);
    while (!over) {
        if (rand_r(&seed) % 2)
            sched_yield();
        else
            compute(2000000);
    }
    return NULL;
}

static void *waits(void *unused)
{
    while (!over)
        usleep(50);
    return unused;
}

int main(void)
{
    begin();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    handle(SIGUSR1, on_signal, 0);
    pthread_t answering = start(answers, NULL), others[BLOCKING + WAITING];
    for (int i = 0; i < BLOCKING + WAITING; i++)
        others[i] = i < BLOCKING ? start(blocks, &set) : start(waits, NULL);
    int sent = 0;
    for (long long until = now_ns(CLOCK_MONOTONIC) + LASTS_MS * 1000000LL; now_ns(CLOCK_MONOTONIC) < until;) {
        for (int i = 0; i < BURST; i++) {
            MUST(pthread_kill(answering, SIGUSR1) == 0);
            sent++;
            while (handled < sent)
                sched_yield();
        }
        MUST(signal(SIGUSR1, SIG_DFL) == on_signal);
        for (int i = 0; i < 6; i++)
            usleep(100);
        MUST(signal(SIGUSR1, on_signal) == SIG_DFL);
    }
    over = true;
    finish(answering);
    for (int i = 0; i < BLOCKING + WAITING; i++)
        finish(others[i]);
    say("all answered: %d", handled == sent);
    MUST(signal(SIGUSR1, SIG_DFL) == on_signal);
    pid_t child = fork();
    if (child == 0) {
        raise(SIGUSR1);
        _exit(0);
    }
    int status;
    MUST(waitpid(child, &status, 0) == child);
    say("the default ends a child: %d", WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
    return 0;
}
