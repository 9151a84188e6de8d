/* Hand-over: two created threads pass a turn to and fro with a mutex and a condition variable.
 *
 * pingpong [SECONDS]      prints "ns_per_handover N"
 *
 * Both threads are created, because the main thread is special under the library; main only joins. Each hand-over is one
 * pthread_cond_signal and one pthread_cond_wait that really waits. */
#include "bench.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint64_t turns_left;
static int turn;

static void *play(void *argument)
{
    int me = (int)(intptr_t)argument;
    pthread_mutex_lock(&lock);
    while (turns_left > 0) {
        if (turn != me) {
            pthread_cond_wait(&changed, &lock);
            continue;
        }
        turns_left--;
        turn = !me;
        pthread_cond_signal(&changed);
    }
    pthread_cond_signal(&changed); /* the other may be waiting for a turn that will not come */
    pthread_mutex_unlock(&lock);
    return NULL;
}

static uint64_t run(uint64_t count)
{
    pthread_t players[2];
    turns_left = count;
    uint64_t start = now_ns();
    for (int i = 0; i < 2; i++)
        create(&players[i], play, (void *)(intptr_t)i);
    join_all(players, 2);
    return now_ns() - start;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? number("seconds", argv[1], 0.01, 60) : 1;
    printf("ns_per_handover %.1f\n", nanoseconds_each(run, seconds, 2000));
    return 0;
}
