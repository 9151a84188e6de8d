// Real-time signals to a parked thread, sent one after the other by another: all arrive, in order.
#include "oracle.h"

enum { SENT = 300 };

static volatile sig_atomic_t count, disorder;

static void handler(int unused, siginfo_t *info, void *context)
{
    (void)unused;
    (void)context;
    if (info->si_value.sival_int != count)
        disorder = 1;
    count = count + 1;
}

static void *parked(void *unused)
{
    while (count < SENT)
        usleep(2000);
    return unused;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGRTMIN + 3, &action, NULL) == 0);
    for (int round = 0; round < 3; round++) {
        count = 0;
        pthread_t thread = start(parked, NULL);
        for (int i = 0; i < SENT; i++) {
            union sigval value = {.sival_int = i};
            MUST(pthread_sigqueue(thread, SIGRTMIN + 3, value) == 0);
            if (i % 50 == 0)
                usleep(3000);
        }
        finish(thread);
        say("%d came, disorder %d", (int)count, (int)disorder);
    }
    return 0;
}
