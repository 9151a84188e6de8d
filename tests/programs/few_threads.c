// What goes on when the kernel makes no more threads (an argument: from the second scene on): every scene ends, and says what it says
// anywhere. A call that wants a kernel thread of its own may say EAGAIN.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(condition) ((condition) ? (void)0 : must_failed(#condition, __LINE__))

enum { SETTLE_US = 60 * 1000, TOGETHER = 12 };

static sem_t posted, ready, finished;
static atomic_bool flag;
static int held, waits, ends[2];

static void must_failed(const char *condition, int line)
{
    printf("line %d: %s: errno %d\n", line, condition, errno);
    exit(1);
}

static pthread_t start(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, body, argument) == 0);
    return thread;
}

static void finish(pthread_t thread)
{
    MUST(pthread_join(thread, NULL) == 0);
}

// Holds a kernel thread until main unlocks.
static void *locks_file(void *unused)
{
    MUST(sem_post(&ready) == 0);
    MUST(flock(waits, LOCK_EX) == 0 && flock(waits, LOCK_UN) == 0);
    return unused;
}

static pthread_t hold(void)
{
    MUST(flock(held, LOCK_EX) == 0);
    pthread_t thread = start(locks_file, NULL);
    MUST(sem_wait(&ready) == 0);
    usleep(SETTLE_US);
    return thread;
}

static void let_go(pthread_t thread)
{
    MUST(flock(held, LOCK_UN) == 0);
    finish(thread);
}

static void *sleeps(void *unused)
{
    for (int i = 0; i < 10; i++)
        usleep(2000);
    return unused;
}

static void *reads(void *unused)
{
    char byte;
    MUST(read(ends[0], &byte, 1) == 1);
    return unused;
}

static void *computes(void *unused)
{
    while (!flag)
        ;
    return unused;
}

static void *sets_flag(void *unused)
{
    flag = true;
    return unused;
}

static void *waits_for_post(void *unused)
{
    MUST(sem_wait(&posted) == 0);
    return unused;
}

static bool binds(void)
{
    cpu_set_t all, one;
    MUST(sched_getaffinity(0, sizeof all, &all) == 0);
    CPU_ZERO(&one);
    for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    return sched_setaffinity(0, sizeof one, &one) == 0 || errno != EAGAIN;
}

static void *binds_and_ends(void *unused)
{
    binds();
    return unused;
}

static void *binds_and_posts(void *unused)
{
    binds();
    usleep(SETTLE_US);
    MUST(sem_post(&posted) == 0);
    MUST(sem_wait(&finished) == 0);
    return unused;
}

static void *makes_child(void *unused)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    MUST(child > 0 ? waitpid(child, NULL, 0) == child : errno == EAGAIN);
    return unused;
}

static void all(void *(*body)(void *))
{
    pthread_t threads[TOGETHER];
    for (int i = 0; i < TOGETHER; i++)
        threads[i] = start(body, NULL);
    if (body == reads)
        MUST(write(ends[1], "123456789012", TOGETHER) == TOGETHER);
    for (int i = 0; i < TOGETHER; i++)
        finish(threads[i]);
}

static void say(const char *what)
{
    puts(what);
    fflush(stdout);
}

int main(int count, char **arguments)
{
    (void)arguments;
    alarm(30);
    MUST(sem_init(&posted, 0, 0) == 0 && sem_init(&ready, 0, 0) == 0 && sem_init(&finished, 0, 0) == 0 && pipe(ends) == 0);
    held = memfd_create("held", 0);
    MUST(held >= 0);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", held);
    waits = open(path, O_RDWR);
    MUST(waits >= 0);

    all(sleeps);
    struct rlimit none = {1, 1};
    MUST(count == 1 || setrlimit(RLIMIT_NPROC, &none) == 0);
    pthread_t holder = hold();
    all(sleeps);
    say("timers");
    all(reads);
    say("input");
    pthread_t computer = start(computes, NULL);
    usleep(SETTLE_US);
    finish(start(sets_flag, NULL));
    finish(computer);
    say("one that computes");
    all(makes_child);
    say("children");
    all(binds_and_ends);
    say("threads that want a kernel thread");
    let_go(holder);

    pthread_t waiter = start(waits_for_post, NULL), poster = start(binds_and_posts, NULL);
    finish(waiter);
    MUST(sem_post(&finished) == 0);
    finish(poster);
    say("a post by one that has one");
    // On the last one.
    all(sleeps);
    all(reads);
    all(makes_child);
    all(binds_and_ends);
    say("all of it again");
    return 0;
}
