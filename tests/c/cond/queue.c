// Bounded queue, five producers and five consumers: everything arrives once, and each producer's in its order.
#include "oracle.h"

enum { SIDE = 5, EACH = 1000, ROOM = 7 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER;
static pthread_cond_t not_full = PTHREAD_COND_INITIALIZER;
static int items[ROOM], head, used, taken, last[SIDE], disorder;
static long sum;

static void *produce(void *argument)
{
    int me = (int)(intptr_t)argument;
    for (int i = 1; i <= EACH; i++) {
        MUST(pthread_mutex_lock(&mutex) == 0);
        while (used == ROOM)
            MUST(pthread_cond_wait(&not_full, &mutex) == 0);
        items[(head + used++) % ROOM] = me * 10000 + i;
        MUST(pthread_cond_signal(&not_empty) == 0);
        MUST(pthread_mutex_unlock(&mutex) == 0);
    }
    return NULL;
}

static void *consume(void *unused)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    for (;;) {
        while (used == 0 && taken < SIDE * EACH)
            MUST(pthread_cond_wait(&not_empty, &mutex) == 0);
        if (taken == SIDE * EACH)
            break;
        int item = items[head], producer = item / 10000;
        head = (head + 1) % ROOM;
        used--;
        sum += item;
        disorder += item % 10000 != last[producer] + 1;
        last[producer] = item % 10000;
        if (++taken == SIDE * EACH)
            MUST(pthread_cond_broadcast(&not_empty) == 0);
        MUST(pthread_cond_signal(&not_full) == 0);
    }
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

int main(void)
{
    begin();
    pthread_t producers[SIDE], consumers[SIDE];
    for (intptr_t i = 0; i < SIDE; i++) {
        consumers[i] = start(consume, NULL);
        producers[i] = start(produce, (void *)i);
    }
    for (int i = 0; i < SIDE; i++) {
        finish(producers[i]);
        finish(consumers[i]);
    }
    say("taken %d, sum %ld, out of order %d", taken, sum, disorder);
    return 0;
}
