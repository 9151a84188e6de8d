// A mutex held by a thread that sleeps, reads, and polls: the others wait in the mutex and lose nothing.
#include "oracle.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int ends[2], order;

static void *body(void *kind)
{
    char byte;
    struct pollfd item = {.fd = ends[0], .events = POLLIN};
    for (int i = 0; i < 5; i++) {
        MUST(pthread_mutex_lock(&mutex) == 0);
        int before = ++order;
        switch ((intptr_t)kind) {
        case 0: sleep_ms(2); break;
        case 1: MUST(poll(&item, 1, -1) == 1); break;
        case 2: MUST(read(ends[0], &byte, 1) == 1); break;
        default: sched_yield();
        }
        MUST(order == before);
        MUST(pthread_mutex_unlock(&mutex) == 0);
    }
    return NULL;
}

static void *feeder(void *unused)
{
    for (int i = 0; i < 20; i++) {
        sleep_ms(3);
        MUST(write(ends[1], "x", 1) == 1);
    }
    return unused;
}

int main(void)
{
    begin();
    pthread_t threads[9];
    MUST(pipe(ends) == 0);
    for (intptr_t i = 0; i < 8; i++)
        threads[i] = start(body, (void *)(i % 4));
    threads[8] = start(feeder, NULL);
    for (int i = 0; i < 9; i++)
        finish(threads[i]);
    say("turns: %d", order);
    return 0;
}
