// GREENLET_MANUAL and the patch sets: what a set has parks once it is wrapped, and holds a kernel thread before, while others go on. Prints
// what it finds wrong, or that all is right. With an argument: says what pthread_create makes, and how many kernel threads sleepers take.
#define _GNU_SOURCE
#include "greenlets.h"
#include <greenlet.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 20, FEW = 10 };

static int tasks(void)
{
    struct stat about;
    CHECK(stat("/proc/self/task", &about) == 0);
    return (int)about.st_nlink - 2;
}

static bool is_kernels(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d", (int)gettid());
    return access(path, F_OK) == 0;
}

// ---- calls that wait ------------------------------------------------------------------------------------------

static int ends[2];
static char byte;

static void receives(void) { CHECK(recv(ends[0], &byte, 1, 0) == 1); }

static void polls(void)
{
    struct pollfd one = {.fd = ends[0], .events = POLLIN};
    CHECK(poll(&one, 1, 20000) == 1);
    receives(); // so that the next one is told of a byte of its own
}

static void sleeps(void) { CHECK(usleep(100000) == 0); }

static void reads(void)
{
    struct iovec to = {.iov_base = &byte, .iov_len = 1};
    CHECK(readv(ends[0], &to, 1) == 1);
}

static volatile int waiting;

static void *waits(void *how)
{
    __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
    ((void (*)(void))how)();
    return NULL;
}

// How many more kernel threads there are while many greenlets wait.
static int held_by(void (*how)(void))
{
    greenlet_t all[MANY];
    double patience = 5;
    for (; tasks() > FEW && patience > 0; patience -= 0.01)
        CHECK(greenlet_sleep(0.01) == 0);
    waiting = 0;
    for (int i = 0; i < MANY; i++)
        CHECK((all[i] = greenlet_spawn(waits, (void *)how)) != 0);
    while (waiting < MANY)
        CHECK(greenlet_sleep(0.001) == 0);
    CHECK(greenlet_sleep(0.02) == 0);
    int held = tasks();
    char bytes[MANY] = {0};
    if (how != sleeps)
        CHECK(send(ends[1], bytes, MANY, 0) == MANY);
    for (int i = 0; i < MANY; i++)
        CHECK(greenlet_join(all[i], NULL) == 0);
    return held;
}

static void wraps(int (*wrap)(void), void (*how)(void))
{
    int tries = 5; // a machine that is busy elsewhere may see them one after the other
    while (held_by(how) < MANY && --tries > 0)
        ;
    CHECK(tries > 0);
    CHECK(wrap() == 0 && wrap() == 0);
    CHECK(held_by(how) <= FEW);
}

// ---- never two at a time, in calls that are not wrapped -------------------------------------------------------

static volatile int inside;

static void *returns_alone(void *unused)
{
    for (int i = 0; i < 20; i++) {
        CHECK(usleep(1000) == 0 && inside == 0);
        inside = 1;
        for (volatile int spin = 0; spin < 20000; spin++)
            ;
        inside = 0;
    }
    return unused;
}

static void alone(void)
{
    greenlet_t all[FEW];
    for (int i = 0; i < FEW; i++)
        CHECK((all[i] = greenlet_spawn(returns_alone, NULL)) != 0);
    for (int i = 0; i < FEW; i++)
        CHECK(greenlet_join(all[i], NULL) == 0);
}

// ---- kills ----------------------------------------------------------------------------------------------------

static int cleaned;

static void cleans(void *unused) { (void)unused, cleaned++; }

static void *is_killed(void *unused)
{
    pthread_cleanup_push(cleans, NULL);
    receives();
    CHECK(false);
    pthread_cleanup_pop(0);
    return unused;
}

// One that is in libc's own call.
static void kills(void)
{
    void *value = NULL;
    cleaned = 0;
    greenlet_t one = greenlet_spawn(is_killed, NULL);
    CHECK(greenlet_sleep(0.02) == 0 && greenlet_kill(one) == 0);
    CHECK(greenlet_join(one, &value) == 0 && value == GREENLET_KILLED && cleaned == 1);
}

// ---- threads --------------------------------------------------------------------------------------------------

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn;

static void *plays(void *own)
{
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&mutex);
        while (turn != (int)(intptr_t)own)
            pthread_cond_wait(&changed, &mutex);
        turn = 1 - turn;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *says_what(void *is_native)
{
    *(bool *)is_native = is_kernels();
    return plays(NULL);
}

static bool makes_kernel_threads(void)
{
    pthread_t thread;
    bool is_native;
    CHECK(pthread_create(&thread, NULL, says_what, &is_native) == 0);
    plays((void *)1);
    CHECK(pthread_join(thread, NULL) == 0);
    return is_native;
}

static void *naps(void *unused) { return sleeps(), unused; }

static int tell(void)
{
    pthread_t all[MANY];
    printf("%s, ", makes_kernel_threads() ? "kernel threads" : "green threads");
    for (int i = 0; i < MANY; i++)
        CHECK(pthread_create(&all[i], NULL, naps, NULL) == 0);
    struct timespec moment = {.tv_nsec = 50000000};
    nanosleep(&moment, NULL);
    puts(tasks() > FEW ? "one for each" : "few");
    for (int i = 0; i < MANY; i++)
        CHECK(pthread_join(all[i], NULL) == 0);
    return wrong;
}

int main(int count, char **words)
{
    (void)words;
    alarm(60);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (count > 1)
        return tell();
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(greenlet_init(2) == -1 && errno == EINVAL);
    CHECK(greenlet_wrap_dns() == 0 && greenlet_wrap_process() == 0 && greenlet_wrap_signal() == 0);
    CHECK(greenlet_init(GREENLET_MANUAL) == 0 && greenlet_init(0) == 0);
    CHECK(makes_kernel_threads());
    alone();
    kills();
    wraps(greenlet_wrap_socket, receives);
    wraps(greenlet_wrap_select, polls);
    wraps(greenlet_wrap_time, sleeps);
    CHECK(held_by(reads) <= FEW); // of sockets too
    CHECK(greenlet_wrap_file() == 0);
    CHECK(makes_kernel_threads() && greenlet_wrap_thread() == 0 && !makes_kernel_threads());
    CHECK(greenlet_wrap_all() == 0 && held_by(sleeps) <= FEW);
    kills();
    if (wrong == 0)
        puts("all is right");
    return wrong != 0;
}
