/* Idleness: N threads wait for a condition and main sleeps. What does the process use the CPU for?
 *
 * idle SECONDS THREADS     prints "cpu_us_per_second N"
 *
 * The time that it takes to come to rest is not counted. */
#include "gate.h"

enum { REST_NS = 300000000 };

static struct gate gate = GATE;

static void *wait_at_gate(void *unused)
{
    gate_arrive(&gate);
    return unused;
}

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void sleep_for(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    if (nanosleep(&t, NULL) != 0)
        die("nanosleep", errno);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? number("seconds", argv[1], 0.01, 60) : 1;
    int count = argc > 2 ? (int)number("threads", argv[2], 1, 100000) : 1000;
    pthread_t *threads = allocate((size_t)count, sizeof *threads);
    gate_close(&gate, count);
    for (int i = 0; i < count; i++)
        create(&threads[i], wait_at_gate, NULL);
    gate_await(&gate);
    sleep_for(REST_NS / 1e9);
    double before = cpu_us();
    sleep_for(seconds);
    printf("cpu_us_per_second %.1f\n", (cpu_us() - before) / seconds);
    gate_open(&gate);
    join_all(threads, count);
    return 0;
}
