/* A ring of N threads and N pipes: each thread waits for a token in its pipe and writes it to the next one's.
 *
 * ring SECONDS THREADS     prints "ns_per_hop N"
 *
 * 64 tokens are on their way, so nearly all threads wait at any time. A token carries its place, which each thread checks. */
#include "ring.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_ended = PTHREAD_COND_INITIALIZER;
static int ended;

static void *stand(void *argument)
{
    uint32_t place = (uint32_t)(uintptr_t)argument;
    struct token token;
    while (take(place, &token)) {
        if (pass(token))
            continue;
        pthread_mutex_lock(&lock);
        if (++ended == TOKENS)
            pthread_cond_signal(&all_ended);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static pthread_t *threads;

static void create_threads(void)
{
    threads = allocate(places, sizeof *threads);
    for (uint32_t i = 0; i < places; i++)
        create(&threads[i], stand, (void *)(uintptr_t)i);
}

static uint64_t run(uint64_t count)
{
    uint64_t start = now_ns();
    ended = 0;
    put_all(count);
    pthread_mutex_lock(&lock);
    while (ended < TOKENS)
        pthread_cond_wait(&all_ended, &lock);
    pthread_mutex_unlock(&lock);
    return now_ns() - start;
}

int main(int argc, char **argv)
{
    int status = ring_main(argc, argv, 0, create_threads, run);
    for (uint32_t i = 0; i < places; i++)
        close(pipes[i][1]);
    join_all(threads, (int)places);
    return status;
}
