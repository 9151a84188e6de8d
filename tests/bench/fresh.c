/* Creation without recycling: every thread is alive at once, so none can be given another's remains.
 *
 * fresh THREADS     prints "ns_per_thread N" (from the first creation until all have run) and "ns_per_join N"
 *
 * One pass only: a second one would find finished threads to use again. */
#include "gate.h"

static struct gate gate = GATE;

static void *arrive(void *unused)
{
    gate_arrive(&gate);
    return unused;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? (int)number("threads", argv[1], 1, 1000000) : 1000;
    pthread_t *threads = allocate((size_t)count, sizeof *threads);
    gate_close(&gate, count);
    uint64_t start = now_ns();
    for (int i = 0; i < count; i++)
        create(&threads[i], arrive, NULL);
    gate_await(&gate);
    uint64_t alive = now_ns();
    gate_open(&gate);
    join_all(threads, count);
    uint64_t joined = now_ns();
    printf("ns_per_thread %.1f\n", (double)(alive - start) / count);
    printf("ns_per_join %.1f\n", (double)(joined - alive) / count);
    return 0;
}
