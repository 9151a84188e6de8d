// A thread blocks in the kernel by a system call of its own, which no library sees. The others go on and free it.
#include "oracle.h"

static int ends[2];
static sem_t beginning;

static long raw_read(int fd, void *to, size_t size)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_read), "D"(fd), "S"(to), "d"(size) : "rcx", "r11", "memory");
    return result;
}

static void *blocked(void *unused)
{
    char byte = '?';
    MUST(sem_post(&beginning) == 0);
    long got = raw_read(ends[0], &byte, 1);
    say("raw read: %ld %c", got, byte);
    return unused;
}

static void *counter(void *unused)
{
    for (int i = 0; i < 100; i++)
        sched_yield();
    say("another thread ran");
    MUST(write(ends[1], "z", 1) == 1);
    return unused;
}

int main(void)
{
    begin();
    MUST(pipe(ends) == 0);
    MUST(sem_init(&beginning, 0, 0) == 0);
    for (int i = 0; i < 3; i++) {
        pthread_t reader = start(blocked, NULL);
        MUST(sem_wait(&beginning) == 0);
        settle();
        pthread_t other = start(counter, NULL);
        finish(other);
        finish(reader);
    }
    return 0;
}
