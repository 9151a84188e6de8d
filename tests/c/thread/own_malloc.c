// The program has an allocator of its own, with a lock. A thread computes with it, beside others that compute, while others wait in the
// kernel for what main does afterwards: each takes a kernel thread, and libc allocates for a new one.
#include "oracle.h"
#include <stdatomic.h>

enum { SPINNERS = 2, WAITERS = 4, HOLD_MS = 60 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Alignas(16) char arena[64 << 20];
static size_t used;
static _Thread_local volatile int is_slow __attribute__((tls_model("initial-exec")));
static atomic_bool in_malloc, stop;

static void compute(void)
{
    long long end = now_ns(CLOCK_MONOTONIC) + HOLD_MS * 1000000LL;
    while (now_ns(CLOCK_MONOTONIC) < end)
        for (volatile int i = 0; i < 10000; i++)
            ;
}

void *malloc(size_t size)
{
    pthread_mutex_lock(&lock);
    if (is_slow) {
        in_malloc = true;
        compute();
    }
    char *block = arena + used;
    used += (size + 31) & ~(size_t)15;
    if (used > sizeof arena)
        abort();
    pthread_mutex_unlock(&lock);
    *(size_t *)block = size;
    return block + 16;
}

void free(void *block)
{
    (void)block;
}

void *calloc(size_t count, size_t size)
{
    return malloc(count * size); // Nothing is used twice.
}

void *realloc(void *old, size_t size)
{
    void *block = malloc(size);
    if (old != NULL) {
        size_t had = *(size_t *)((char *)old - 16);
        memcpy(block, old, had < size ? had : size);
    }
    return block;
}

static void *allocate(void *unused)
{
    is_slow = 1;
    void *volatile block = malloc(10); // Or the compiler leaves it out.
    free(block);
    is_slow = 0;
    return unused;
}

static void *spin(void *unused)
{
    while (!stop)
        ;
    return unused;
}

static struct flock whole(short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

static void *wait_in_kernel(void *name)
{
    int fd = open(name, O_RDWR);
    struct flock wanted = whole(F_WRLCK);
    MUST(fd >= 0);
    while (!in_malloc)
        usleep(1000);
    MUST(fcntl(fd, F_OFD_SETLKW, &wanted) == 0);
    MUST(close(fd) == 0);
    return NULL;
}

int main(void)
{
    begin();
    char name[] = "/tmp/own_malloc_XXXXXX";
    int fd = mkstemp(name);
    struct flock held = whole(F_WRLCK);
    MUST(fd >= 0 && fcntl(fd, F_OFD_SETLK, &held) == 0);
    pthread_t spinners[SPINNERS], waiters[WAITERS];
    for (int i = 0; i < SPINNERS; i++)
        spinners[i] = start(spin, NULL);
    for (int i = 0; i < WAITERS; i++)
        waiters[i] = start(wait_in_kernel, name);
    finish(start(allocate, NULL));
    say("allocated");
    usleep(10000);
    MUST(close(fd) == 0);
    for (int i = 0; i < WAITERS; i++)
        finish(waiters[i]);
    say("%d had the lock", WAITERS);
    stop = true;
    for (int i = 0; i < SPINNERS; i++)
        finish(spinners[i]);
    MUST(unlink(name) == 0);
    return 0;
}
