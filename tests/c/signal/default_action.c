// A signal with its default action ends the process while all threads are parked.
// ends: signal 15
#include "oracle.h"

static void *parked(void *unused)
{
    sleep(100);
    return unused;
}

int main(void)
{
    begin();
    for (int i = 0; i < 5; i++)
        start(parked, NULL);
    pid_t target = getpid(), child = fork();
    if (child == 0) {
        sleep_ms(SETTLE_MS);
        kill(target, SIGTERM);
        _exit(0);
    }
    say("waiting");
    pause();
    say("never");
    return 0;
}
