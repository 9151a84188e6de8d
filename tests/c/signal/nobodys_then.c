// A signal that nobody accepted for a while and then somebody did: the next one finds that thread parked, and wakes it.
#include "oracle.h"

static volatile sig_atomic_t handled;
static int quiet[2];

static void handler(int unused)
{
    (void)unused;
    handled++;
}

static void *accepts(void *unused)
{
    sigset_t set;
    char byte;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sleep_ms(150);
    MUST(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
    say("handled %d", (int)handled);
    say_call("read", read(quiet[0], &byte, 1));
    say("handled %d", (int)handled);
    return unused;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_handler = handler};
    sigset_t set;
    MUST(pipe(quiet) == 0);
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    pthread_t thread = start(accepts, NULL);
    MUST(kill(getpid(), SIGUSR1) == 0);
    pid_t target = getpid(), child = fork();
    MUST(child >= 0);
    if (child == 0) {
        sleep_ms(500);
        kill(target, SIGUSR1);
        _exit(0);
    }
    finish(thread);
    MUST(waitpid(child, NULL, 0) == child);
    return 0;
}
