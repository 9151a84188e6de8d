// A barrier in a hundred rounds: nobody overtakes, and each round has one serial thread.
#include "oracle.h"

enum { THREADS = 7, ROUNDS = 100 };

static pthread_barrier_t barrier;
static int arrived[ROUNDS], serial[ROUNDS], overtaken;

static void *body(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        __atomic_add_fetch(&arrived[i], 1, __ATOMIC_SEQ_CST);
        int result = pthread_barrier_wait(&barrier);
        if (__atomic_load_n(&arrived[i], __ATOMIC_SEQ_CST) != THREADS)
            __atomic_add_fetch(&overtaken, 1, __ATOMIC_RELAXED);
        if (result == PTHREAD_BARRIER_SERIAL_THREAD)
            __atomic_add_fetch(&serial[i], 1, __ATOMIC_RELAXED);
        else
            MUST(result == 0);
    }
    return unused;
}

int main(void)
{
    begin();
    pthread_t threads[THREADS];
    int right = 0;
    say_error("for nobody", pthread_barrier_init(&barrier, NULL, 0));
    say_error("for seven", pthread_barrier_init(&barrier, NULL, THREADS));
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(body, NULL);
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    for (int i = 0; i < ROUNDS; i++)
        right += serial[i] == 1;
    say("rounds with one serial thread: %d, overtaken: %d", right, overtaken);
    say_error("destroy", pthread_barrier_destroy(&barrier));
    MUST(pthread_barrier_init(&barrier, NULL, 1) == 0);
    say("alone: %d", pthread_barrier_wait(&barrier));
    return 0;
}
