// As compute.c, with threads that never wait but make calls all the time, in libc and in the library: whoever sleeps meanwhile goes
// on in time.
#include "oracle.h"
#include <stdatomic.h>

enum { THREADS = 16, SPAN_MS = 80 };

static volatile bool stop;
static pthread_mutex_t shared = PTHREAD_MUTEX_INITIALIZER;

static void lock_own(int *ends, pthread_mutex_t *own)
{
    (void)ends;
    pthread_mutex_lock(own);
    pthread_mutex_unlock(own);
}

static void lock_shared(int *ends, pthread_mutex_t *own)
{
    (void)ends, (void)own;
    pthread_mutex_lock(&shared);
    for (volatile int i = 0; i < 100; i++)
        ;
    pthread_mutex_unlock(&shared);
}

static void poll_without_waiting(int *ends, pthread_mutex_t *own)
{
    (void)own;
    struct pollfd idle = {.fd = ends[0], .events = POLLIN};
    poll(&idle, 1, 0);
}

static void receive_without_waiting(int *ends, pthread_mutex_t *own)
{
    (void)own;
    char byte;
    recv(ends[0], &byte, 1, MSG_DONTWAIT);
}

static void send_and_receive(int *ends, pthread_mutex_t *own)
{
    (void)own;
    char byte = 'x';
    MUST(send(ends[1], &byte, 1, 0) == 1 && recv(ends[0], &byte, 1, 0) == 1);
}

static void write_and_read(int *ends, pthread_mutex_t *own)
{
    (void)own;
    char byte = 'x';
    MUST(write(ends[1], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1);
}

static void allocate(int *ends, pthread_mutex_t *own)
{
    (void)ends, (void)own;
    static atomic_uint size;
    char *memory = malloc(100 + atomic_fetch_add(&size, 1) % 30000);
    memory[0] = 1;
    __asm__ volatile("" : : "r"(memory) : "memory");
    free(memory);
}

static int smaller(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void sort(int *ends, pthread_mutex_t *own)
{
    (void)ends, (void)own;
    int numbers[500];
    for (int i = 0; i < 500; i++)
        numbers[i] = i * 7919 % 500;
    qsort(numbers, 500, sizeof numbers[0], smaller);
    MUST(numbers[1] == 1);
}

static void print(int *ends, pthread_mutex_t *own)
{
    (void)ends, (void)own;
    char line[64];
    MUST(snprintf(line, sizeof line, "%d %f", 17, 1.5) > 0);
}

static void ask_the_kernel(int *ends, pthread_mutex_t *own)
{
    (void)ends, (void)own;
    MUST(getppid() >= 0);
}

static const struct {
    const char *name;
    void (*call)(int *ends, pthread_mutex_t *own);
} kinds[] = {
    {"a lock of one's own", lock_own},
    {"a shared lock", lock_shared},
    {"poll", poll_without_waiting},
    {"recv that does not wait", receive_without_waiting},
    {"send and recv", send_and_receive},
    {"write and read", write_and_read},
    {"malloc", allocate},
    {"qsort", sort},
    {"snprintf", print},
    {"getppid", ask_the_kernel},
};

static void *call_on_and_on(void *kind)
{
    int ends[2];
    pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    while (!stop)
        kinds[(intptr_t)kind].call(ends, &own);
    MUST(close(ends[0]) == 0 && close(ends[1]) == 0);
    return NULL;
}

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int main(void)
{
    begin();
    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
        pthread_t threads[THREADS];
        stop = false;
        for (int i = 0; i < THREADS; i++)
            threads[i] = start(call_on_and_on, (void *)(intptr_t)kind);
        long long begun = now_ms();
        sleep_ms(SPAN_MS);
        say("%s: slept as long as asked %d", kinds[kind].name, now_ms() - begun < 2000);
        stop = true;
        for (int i = 0; i < THREADS; i++)
            finish(threads[i]);
    }
    return 0;
}
