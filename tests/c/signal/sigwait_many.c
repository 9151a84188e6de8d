// Several signals at once to threads in sigwait: each is taken by exactly one, none is lost; real-time ones are all counted.
#include "oracle.h"

#include <stdatomic.h>

enum { WAITERS = 3, SENT = 200 };

static sigset_t set;
static int taken[WAITERS];
static atomic_int total;


static void *waiter(void *index)
{
    for (;;) {
        siginfo_t info;
        int number = sigwaitinfo(&set, &info);
        if (number == -1 && errno == EINTR)
            continue;
        if (number == SIGTERM)
            return NULL;
        MUST(number == SIGRTMIN + 1 || number == SIGRTMIN + 2);
        taken[(intptr_t)index]++;
        atomic_fetch_add(&total, 1);
    }
}

static void *directed(void *unused)
{
    int number, sum = 0;
    for (int i = 0; i < 3; i++) {
        MUST(sigwait(&set, &number) == 0);
        sum |= number == SIGUSR1 ? 1 : number == SIGUSR2 ? 2 : number == SIGTERM ? 4 : 8;
    }
    say("all three: %d", sum);
    return unused;
}

int main(void)
{
    begin();
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    sigaddset(&set, SIGRTMIN + 2);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGTERM);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    pthread_t threads[WAITERS];
    for (intptr_t i = 0; i < WAITERS; i++)
        threads[i] = start(waiter, (void *)i);
    for (int i = 0; i < SENT; i++) {
        union sigval value = {.sival_int = i};
        while (sigqueue(getpid(), SIGRTMIN + 1 + i % 2, value) != 0)
            MUST(errno == EAGAIN);
    }
    for (int i = 0; i < 3000 && atomic_load(&total) < SENT; i++)
        sleep_ms(1);
    for (int i = 0; i < WAITERS; i++)
        MUST(pthread_kill(threads[i], SIGTERM) == 0);
    int sum = 0;
    for (int i = 0; i < WAITERS; i++) {
        finish(threads[i]);
        sum += taken[i];
    }
    say("taken: %d", sum);
    for (int round = 0; round < 20; round++) {
        pthread_t thread = start(directed, NULL);
        if (round % 2)
            sleep_ms(2);
        MUST(pthread_kill(thread, SIGUSR1) == 0);
        MUST(pthread_kill(thread, SIGUSR2) == 0);
        MUST(pthread_kill(thread, SIGTERM) == 0);
        finish(thread);
    }
    return 0;
}
