// Main blocks what is ignored by default and waits for it, while other threads do not block it: one computes, one waits.
#include "oracle.h"

enum { TIMES = 5 };

static volatile bool over;
static int ends[2];
static sigset_t awaited;

static void *computes(void *unused)
{
    while (!over)
        __asm__ volatile("pause");
    return unused;
}

static void *waits(void *unused)
{
    char byte;
    MUST(read(ends[0], &byte, 1) == 1);
    return unused;
}

static void await(const char *what)
{
    struct timespec long_enough = {.tv_sec = 3};
    siginfo_t info;
    int signal_number = sigtimedwait(&awaited, &info, &long_enough);
    say("%s: %s", what, signal_number > 0 ? sigabbrev_np(signal_number) : error_name(errno));
}

int main(void)
{
    begin();
    MUST(pipe(ends) == 0);
    pthread_t computing = start(computes, NULL), waiting = start(waits, NULL);
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGCHLD);
    sigaddset(&awaited, SIGURG);
    MUST(pthread_sigmask(SIG_BLOCK, &awaited, NULL) == 0);
    for (int i = 0; i < TIMES; i++) {
        pid_t child = fork();
        MUST(child >= 0);
        if (child == 0) {
            settle();
            _exit(0);
        }
        await("a child has ended");
        MUST(waitpid(child, NULL, 0) == child);
    }
    struct sigaction told;
    MUST(sigaction(SIGCHLD, NULL, &told) == 0);
    say("the default still %d", told.sa_handler == SIG_DFL);
    pid_t parent = getpid(), sender = fork();
    MUST(sender >= 0);
    if (sender == 0) {
        settle();
        kill(parent, SIGURG);
        pause();
    }
    await("a child has sent");
    MUST(kill(sender, SIGKILL) == 0 && waitpid(sender, NULL, 0) == sender);
    over = true;
    MUST(write(ends[1], "x", 1) == 1);
    finish(computing);
    finish(waiting);
    return 0;
}
