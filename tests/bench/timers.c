/* Sleepers: N threads sleep once, each for its own time of 1 to 3 seconds, and note how late they woke.
 *
 * timers THREADS     prints "cpu_us_per_sleeper N" (creation, sleep and end), "late_p50_us N", "late_p99_us N", "late_max_us N"
 *
 * Waking early is an error. The times are spread by a hash, so that neighbours in creation are not neighbours in time. */
#include "bench.h"

enum { LEAST_US = 1000000, SPREAD_US = 2000000 };

static uint64_t *late_ns;

static void *sleeper(void *argument)
{
    uint64_t index = (uint64_t)(uintptr_t)argument;
    unsigned wanted_us = LEAST_US + (unsigned)((scramble(scramble(index)) >> 32) % SPREAD_US);
    struct timespec wanted = {.tv_sec = wanted_us / 1000000, .tv_nsec = (long)(wanted_us % 1000000) * 1000};
    uint64_t start = now_ns();
    if (nanosleep(&wanted, NULL) != 0)
        die("nanosleep", errno);
    uint64_t slept = now_ns() - start;
    if (slept + 1000000 < (uint64_t)wanted_us * 1000) /* a library that counts in milliseconds may round */
        die("a sleeper that woke early", EPROTO);
    late_ns[index] = slept > (uint64_t)wanted_us * 1000 ? slept - (uint64_t)wanted_us * 1000 : 0;
    return NULL;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? (int)number("threads", argv[1], 1, 1000000) : 1000;
    pthread_t *threads = allocate((size_t)count, sizeof *threads);
    late_ns = allocate((size_t)count, sizeof *late_ns);
    double before = cpu_us();
    for (int i = 0; i < count; i++)
        create(&threads[i], sleeper, (void *)(uintptr_t)i);
    join_all(threads, count);
    printf("cpu_us_per_sleeper %.3f\n", (cpu_us() - before) / count);
    qsort(late_ns, (size_t)count, sizeof *late_ns, ascending);
    printf("late_p50_us %.1f\n", (double)late_ns[count / 2] / 1e3);
    printf("late_p99_us %.1f\n", (double)late_ns[(size_t)count * 99 / 100] / 1e3);
    printf("late_max_us %.1f\n", (double)late_ns[count - 1] / 1e3);
    return 0;
}
