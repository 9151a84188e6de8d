/* Fairness: N threads compute, without a call or with one after the other, and one thread beside them sleeps for 5 ms again and again.
 *
 * fair SECONDS THREADS [locks]     prints "late_p50_us N", "late_p99_us N", "late_max_us N": how late the sleeper woke; and
 *                                  "least_share N", of the computed rounds what the thread with the fewest has, 1 for as much as all have
 *
 * With `locks` each takes and releases a mutex of its own all the time: the calls never wait. */
#include "latency.h"

#include <stdatomic.h>
#include <stdbool.h>

enum { MOST = 1000, SLEEP_NS = 5000000, ROUND = 1000 };

static atomic_bool over;
static bool locks;
static uint64_t rounds[MOST];

static void *compute(void *argument)
{
    uint64_t *done = argument, word = 1;
    pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
    while (!atomic_load_explicit(&over, memory_order_relaxed)) {
        for (int i = 0; i < ROUND; i++) {
            word = scramble(word);
            if (locks) {
                pthread_mutex_lock(&own);
                pthread_mutex_unlock(&own);
            }
        }
        *done += 1;
    }
    return word == 0 ? argument : NULL; /* the work must have a use */
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? number("seconds", argv[1], 0.01, 60) : 1;
    int count = argc > 2 ? (int)number("threads", argv[2], 1, MOST) : 16;
    locks = argc > 3 && strcmp(argv[3], "locks") == 0;
    static pthread_t threads[MOST];
    for (int i = 0; i < count; i++)
        create(&threads[i], compute, &rounds[i]);
    const struct timespec pause = {.tv_nsec = SLEEP_NS};
    uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);
    do {
        uint64_t start = now_ns();
        if (nanosleep(&pause, NULL) != 0)
            die("nanosleep", errno);
        uint64_t slept = now_ns() - start;
        record(slept > SLEEP_NS ? slept - SLEEP_NS : 0);
    } while (now_ns() < end);
    atomic_store(&over, true);
    join_all(threads, count);
    uint64_t least = UINT64_MAX, all = 0;
    for (int i = 0; i < count; i++) {
        least = rounds[i] < least ? rounds[i] : least;
        all += rounds[i];
    }
    printf("late_p50_us %.1f\nlate_p99_us %.1f\nlate_max_us %.1f\n", percentile_us(0.5), percentile_us(0.99), (double)slowest / 1e3);
    printf("least_share %.3f\n", (double)least * count / (double)all);
    return 0;
}
