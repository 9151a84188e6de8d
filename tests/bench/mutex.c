/* Contention: N threads take one mutex again and again, with a little work inside and as much outside.
 *
 * mutex SECONDS THREADS [held]     prints "ns_per_section N" and "sections_per_second N"
 *
 * With `held` the holder lets others run before it unlocks, so that they all meet a locked mutex. Without it they often do not: a thread
 * passes the mutex many times before it is interrupted, on kernel threads as on green ones.
 *
 * The shared counter is plain memory, so a lock that let two in would lose counts, which is checked. The threads exist before the clock
 * starts. Each has its share of the sections: threads that are treated unfairly show in the time of the last one. */
#include "gate.h"

#include <sched.h>

enum { WORK = 20 };

static struct gate gate = GATE;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile uint64_t sections, inside;
static uint64_t share;
static int threads, held;

static uint64_t work(uint64_t word)
{
    for (int i = 0; i < WORK; i++)
        word = scramble(word);
    return word;
}

static void *contend(void *unused)
{
    uint64_t outside = 1;
    gate_arrive(&gate);
    for (uint64_t i = 0; i < share; i++) {
        pthread_mutex_lock(&lock);
        inside = work(inside);
        sections = sections + 1;
        if (held)
            sched_yield();
        pthread_mutex_unlock(&lock);
        outside = work(outside);
    }
    return outside == 0 ? &lock : unused; /* the work outside must have a use */
}

static uint64_t run(uint64_t count)
{
    static pthread_t ids[10000];
    share = count / (uint64_t)threads + 1;
    sections = 0;
    gate_close(&gate, threads);
    for (int i = 0; i < threads; i++)
        create(&ids[i], contend, NULL);
    gate_await(&gate);
    uint64_t start = now_ns();
    gate_open(&gate);
    join_all(ids, threads);
    uint64_t elapsed = now_ns() - start;
    if (sections != share * (uint64_t)threads)
        die("sections that were lost", EPROTO);
    return elapsed * count / (share * (uint64_t)threads);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? number("seconds", argv[1], 0.01, 60) : 1;
    threads = argc > 2 ? (int)number("threads", argv[2], 1, 10000) : 2;
    held = argc > 3 && strcmp(argv[3], "held") == 0;
    double each = nanoseconds_each(run, seconds, 10 * (uint64_t)threads);
    printf("ns_per_section %.1f\n", each);
    printf("sections_per_second %.0f\n", 1e9 / each);
    return 0;
}
