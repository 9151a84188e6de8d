// A handler runs in a thread at a barrier just as the last one arrives, who then makes the barrier anew: the round that is over
// must not be mistaken for the next one.
#include "oracle.h"

enum { ROUNDS = 60 };

static pthread_barrier_t barrier;

static void on_signal(int signo)
{
    (void)signo;
}

static void *arrive(void *unused)
{
    int status = pthread_barrier_wait(&barrier);
    MUST(status == 0 || status == PTHREAD_BARRIER_SERIAL_THREAD);
    return unused;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_handler = on_signal};
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    int serial = 0;
    for (int i = 0; i < ROUNDS; i++) {
        MUST(pthread_barrier_init(&barrier, NULL, 2) == 0);
        pthread_t thread = start(arrive, NULL);
        usleep((useconds_t)(i % 4) * 300);
        MUST(pthread_kill(thread, SIGUSR1) == 0);
        serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
        MUST(pthread_barrier_destroy(&barrier) == 0);
        MUST(pthread_barrier_init(&barrier, NULL, 2) == 0);
        finish(thread);
        MUST(pthread_barrier_destroy(&barrier) == 0);
    }
    say("rounds: %d, serial now and then: %d", ROUNDS, serial >= 0);
}
