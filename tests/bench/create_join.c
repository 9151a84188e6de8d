/* Creation: a thread that does next to nothing is created and joined, again and again.
 *
 * create_join [SECONDS]   prints "ns_per_thread N"
 *
 * One thread lives at a time, so from the second on a finished one can be used again, by glibc's stack cache bare and by the pool
 * under the library. The thread counts, so that a thread which never ran cannot pass for a fast one. */
#include "bench.h"

static uint64_t ran;

static void *count_me(void *unused)
{
    ran++;
    return unused;
}

static uint64_t run(uint64_t count)
{
    ran = 0;
    uint64_t start = now_ns();
    for (uint64_t i = 0; i < count; i++) {
        pthread_t thread;
        create(&thread, count_me, NULL);
        check("pthread_join", pthread_join(thread, NULL));
    }
    uint64_t elapsed = now_ns() - start;
    if (ran != count)
        die("threads that never ran", EPROTO);
    return elapsed;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? number("seconds", argv[1], 0.01, 60) : 1;
    printf("ns_per_thread %.1f\n", nanoseconds_each(run, seconds, 200));
    return 0;
}
