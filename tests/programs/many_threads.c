// More threads at once than a process may have mappings: each parks in a condition, all are woken and joined.
//
//   many_threads COUNT
//
// Prints how many were parked together and the sum of what they returned; exits 0, or 1 with the first error. Each thread
// writes to its stack before it parks and finds that unchanged after, so that stacks which overlap are seen.

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_parked = PTHREAD_COND_INITIALIZER, released = PTHREAD_COND_INITIALIZER;
static long parked, count;
static int go_on;

static void stop(const char *what, int error) {
    fprintf(stderr, "many_threads: %s: %s (%ld parked)\n", what, strerror(error), parked);
    exit(1);
}

static void *wait_once(void *number) {
    volatile uintptr_t mark[32];
    for (int i = 0; i < 32; i++) mark[i] = (uintptr_t)number + (uintptr_t)i;
    pthread_mutex_lock(&lock);
    if (++parked == count) pthread_cond_signal(&all_parked);
    while (!go_on) pthread_cond_wait(&released, &lock);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < 32; i++)
        if (mark[i] != (uintptr_t)number + (uintptr_t)i) stop("a stack was overwritten", EFAULT);
    return number;
}

int main(int argc, char **argv) {
    count = argc == 2 ? atol(argv[1]) : 0;
    if (count < 1) stop("usage: many_threads COUNT", EINVAL);
    pthread_t *threads = calloc((size_t)count, sizeof *threads);
    for (long i = 0; i < count; i++) {
        int error = pthread_create(&threads[i], NULL, wait_once, (void *)i);
        if (error) stop("pthread_create", error);
    }
    pthread_mutex_lock(&lock);
    while (parked < count) pthread_cond_wait(&all_parked, &lock);
    go_on = 1;
    pthread_cond_broadcast(&released);
    pthread_mutex_unlock(&lock);
    long sum = 0;
    for (long i = 0; i < count; i++) {
        void *value;
        int error = pthread_join(threads[i], &value);
        if (error) stop("pthread_join", error);
        sum += (long)(intptr_t)value;
    }
    printf("%ld threads, sum %ld\n", parked, sum);
    return 0;
}
