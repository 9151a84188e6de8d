// After main has ended by pthread_exit a signal to the process is another thread's.
// ends: exit 7
#include "oracle.h"

static volatile sig_atomic_t handled;

static void handler(int unused)
{
    (void)unused;
    handled++;
}

static void *left(void *unused)
{
    settle();
    for (int i = 0; i < 3; i++) {
        MUST(kill(getpid(), SIGUSR1) == 0);
        for (int wait = 0; wait < 2000 && handled <= i; wait++)
            sleep_ms(1);
        say("handled %d", (int)handled);
    }
    exit(7);
    return unused;
}

static void *parked(void *unused)
{
    pause();
    for (;;)
        pause();
    return unused;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigset_t set;
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    start(parked, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    start(left, NULL);
    pthread_exit(NULL);
}
