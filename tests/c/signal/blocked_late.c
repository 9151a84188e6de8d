// Main blocks a signal after other threads have come and gone, or while they are parked and block it: its default action must
// not end the process.
#include "oracle.h"

static sem_t stop, ready;

static void *parked(void *unused)
{
    sigset_t all;
    sigfillset(&all);
    MUST(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
    MUST(sem_post(&ready) == 0);
    MUST(sem_wait(&stop) == 0);
    return unused;
}

int main(void)
{
    begin();
    sigset_t set, pending;
    int number = 0;
    MUST(sem_init(&stop, 0, 0) == 0 && sem_init(&ready, 0, 0) == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    for (int round = 0; round < 6; round++) {
        pthread_t threads[4];
        for (int i = 0; i < 4; i++)
            threads[i] = start(round % 2 ? parked : return_it, NULL);
        for (int i = 0; i < 4 && round % 2 == 0; i++)
            finish(threads[i]);
        for (int i = 0; i < 4 && round % 2; i++)
            MUST(sem_wait(&ready) == 0);
        sleep_ms(round * 3);
        MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
        MUST(kill(getpid(), SIGTERM) == 0);
        sleep_ms(round % 3 * 5);
        MUST(sigpending(&pending) == 0);
        say("pending: %d", sigismember(&pending, SIGTERM));
        MUST(sigwait(&set, &number) == 0);
        say("taken: %d", number);
        MUST(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
        for (int i = 0; i < 4 && round % 2; i++)
            MUST(sem_post(&stop) == 0);
        for (int i = 0; i < 4 && round % 2; i++)
            finish(threads[i]);
    }
    return 0;
}
