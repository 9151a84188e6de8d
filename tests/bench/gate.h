/* A gate: threads arrive and wait behind it, main waits until all have arrived and opens it. What is timed then has all of its threads. */
#ifndef GATE_H
#define GATE_H

#include "bench.h"

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t arrived, opened;
    int here, expected, open;
};

#define GATE {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0}

/* Before the first thread that arrives is created. */
__attribute__((unused)) static void gate_close(struct gate *gate, int expected)
{
    gate->here = gate->open = 0;
    gate->expected = expected;
}

__attribute__((unused)) static void gate_arrive(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    if (++gate->here == gate->expected)
        pthread_cond_signal(&gate->arrived);
    while (!gate->open)
        pthread_cond_wait(&gate->opened, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

__attribute__((unused)) static void gate_await(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->here < gate->expected)
        pthread_cond_wait(&gate->arrived, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

__attribute__((unused)) static void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = 1;
    pthread_cond_broadcast(&gate->opened);
    pthread_mutex_unlock(&gate->lock);
}

#endif
