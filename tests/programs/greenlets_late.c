// Linked with the library, which does nothing before greenlet_init: threads are kernel threads, and those that wait in libc when it comes
// go on with all that are made later. Prints what it finds wrong, or that all is right.
#define _GNU_SOURCE
#include "greenlets.h"
#include <greenlet.h>

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MANY = 50, ROUNDS = 500 };

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

// ---- who waits in libc when the library comes -----------------------------------------------------------------

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, held = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t signalled = PTHREAD_COND_INITIALIZER, broadcast = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t sem;
static int word, ends[2], release[2];
static bool is_signalled, is_broadcast;
static volatile int initialised;

static void *waits_for_condition(pthread_cond_t *cond, const bool *is_told)
{
    pthread_mutex_lock(&mutex);
    while (!*is_told)
        pthread_cond_wait(cond, &mutex);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void *waits_for_signal(void *unused) { return (void)unused, waits_for_condition(&signalled, &is_signalled); }

static void *waits_for_broadcast(void *unused) { return (void)unused, waits_for_condition(&broadcast, &is_broadcast); }

static void *locks(void *unused)
{
    CHECK(pthread_mutex_lock(&held) == 0 && pthread_mutex_unlock(&held) == 0);
    return unused;
}

static void *writes(void *unused)
{
    CHECK(pthread_rwlock_wrlock(&rwlock) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
    return unused;
}

static void *takes(void *unused)
{
    CHECK(sem_wait(&sem) == 0);
    return unused;
}

static void *reads(void *unused)
{
    char byte;
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'x');
    return unused;
}

static void *waits_for_word(void *unused)
{
    while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0)
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return unused;
}

static void initialises(void)
{
    char byte;
    CHECK(read(release[0], &byte, 1) == 1);
    initialised = 1;
}

static void *begins(void *unused)
{
    CHECK(pthread_once(&once, initialises) == 0 && initialised == 1);
    return unused;
}

static void *tries(void *unused)
{
    CHECK(greenlet_init(0) == -1 && errno == ENOTSUP && greenlet_active() == 0);
    return unused;
}

static void *(*const elders[])(void *) = {
    waits_for_signal, waits_for_broadcast, waits_for_broadcast, locks, writes, takes, reads, waits_for_word, begins,
};
enum { ELDERS = sizeof elders / sizeof *elders };

static void wake(void)
{
    pthread_mutex_lock(&mutex);
    is_signalled = true;
    pthread_cond_signal(&signalled);
    is_broadcast = true;
    pthread_cond_broadcast(&broadcast);
    pthread_mutex_unlock(&mutex);
    CHECK(pthread_mutex_unlock(&held) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
    CHECK(sem_post(&sem) == 0 && write(ends[1], "x", 1) == 1);
    __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
    CHECK(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 1);
}

// ---- who goes on with those made later ------------------------------------------------------------------------

static pthread_mutex_t ball = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t thrown = PTHREAD_COND_INITIALIZER;
static int turn;
static volatile bool has_begun;

static void *plays(void *own)
{
    bool is_elder = own == NULL;
    CHECK(is_kernels() == is_elder);
    while (is_elder && !has_begun)
        usleep(1000);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&ball);
        while (turn != (int)(intptr_t)own)
            pthread_cond_wait(&thrown, &ball);
        turn = 1 - turn;
        pthread_cond_signal(&thrown);
        pthread_mutex_unlock(&ball);
    }
    CHECK(is_kernels() == is_elder);
    return NULL;
}

static void *begun(void *unused) { return unused; }

// Who joins it is a greenlet, which is to give its turn meanwhile.
static void *spawns(void *unused)
{
    while (!has_begun)
        usleep(1000);
    usleep(20000);
    greenlet_t one = greenlet_spawn(begun, &turn);
    void *value = NULL;
    CHECK(one != 0 && greenlet_join(one, &value) == 0 && value == &turn);
    return unused;
}

static greenlet_event_t *event;

static void *waits(void *unused)
{
    CHECK(!is_kernels() && greenlet_event_wait(event, GREENLET_FOREVER, NULL) == 0);
    return unused;
}

// ---- objects of greenlet.h, shared by all kinds of threads ----------------------------------------------------

enum { SHARERS = 6 };

static greenlet_sem_t *slots;
static greenlet_queue_t *queue;
static greenlet_event_t *never_sent;

// Each wait ends, by what it is for or by its time-out.
static void *shares(void *own)
{
    for (int i = 0; i < 200; i++) {
        void *item = NULL;
        switch (((intptr_t)own + i) % 5) {
        case 0:
            if (greenlet_sem_acquire(slots, 0.0005) == 0)
                CHECK(greenlet_sem_release(slots) == 0);
            else
                CHECK(errno == ETIMEDOUT);
            break;
        case 1: CHECK(greenlet_queue_put(queue, own, 0.0005) == 0 || errno == ETIMEDOUT); break;
        case 2: CHECK(greenlet_queue_get(queue, 0.0005, &item) == 0 ? (intptr_t)item < SHARERS : errno == ETIMEDOUT); break;
        case 3: CHECK(greenlet_event_wait(event, 0.0005, NULL) == 0 || errno == ETIMEDOUT); break;
        default:
            CHECK(greenlet_event_send(event, NULL) == 0 || errno == EALREADY);
            CHECK(greenlet_yield() == 0 && greenlet_event_reset(event) == 0);
        }
    }
    return NULL;
}

static void *shares_later(void *own)
{
    while (!has_begun)
        usleep(1000);
    return shares(own);
}

static void *sleeps(void *unused)
{
    while (!has_begun)
        usleep(1000);
    (void)greenlet_sleep(50);
    CHECK(false);
    return unused;
}

static void *awaits_end(void *unused)
{
    while (!has_begun)
        usleep(1000);
    CHECK(greenlet_event_wait(never_sent, GREENLET_FOREVER, NULL) == 0);
    return unused;
}

int main(void)
{
    pthread_t old[ELDERS], player, spawner, cancelled, sleeper, young[MANY], sharers[2 * SHARERS];
    greenlet_t greenlets[SHARERS];
    void *value = NULL;
    alarm(60);
    setvbuf(stdout, NULL, _IOLBF, 0);
    CHECK(pipe(ends) == 0 && pipe(release) == 0 && sem_init(&sem, 0, 0) == 0);
    CHECK(pthread_mutex_lock(&held) == 0 && pthread_rwlock_rdlock(&rwlock) == 0);
    for (int i = 0; i < ELDERS; i++)
        CHECK(pthread_create(&old[i], NULL, elders[i], NULL) == 0);
    CHECK(pthread_create(&player, NULL, tries, NULL) == 0 && pthread_join(player, NULL) == 0);
    CHECK(pthread_create(&player, NULL, plays, NULL) == 0 && pthread_create(&spawner, NULL, spawns, NULL) == 0);
    CHECK(pthread_create(&cancelled, NULL, awaits_end, NULL) == 0 && pthread_create(&sleeper, NULL, sleeps, NULL) == 0);
    for (intptr_t i = 0; i < SHARERS; i++)
        CHECK(pthread_create(&sharers[i], NULL, shares_later, (void *)i) == 0);
    usleep(50000); // until all wait
    CHECK(tasks() == ELDERS + 5 + SHARERS && greenlet_active() == 0 && is_kernels());

    CHECK(greenlet_init(0) == 0 && greenlet_init(0) == 0 && greenlet_active() == 1);
    CHECK((event = greenlet_event_new()) != NULL && (never_sent = greenlet_event_new()) != NULL);
    CHECK((slots = greenlet_sem_new(2)) != NULL && (queue = greenlet_queue_new(3)) != NULL);
    has_begun = true;
    CHECK(pthread_join(spawner, NULL) == 0);
    CHECK(greenlet_sleep(0.005) == 0 && pthread_cancel(cancelled) == 0);
    CHECK(pthread_join(cancelled, &value) == 0 && value == PTHREAD_CANCELED);
    CHECK(pthread_cancel(sleeper) == 0 && pthread_join(sleeper, &value) == 0 && value == PTHREAD_CANCELED);
    for (intptr_t i = 0; i < SHARERS; i++) {
        CHECK(pthread_create(&sharers[SHARERS + i], NULL, shares, (void *)i) == 0);
        CHECK((greenlets[i] = greenlet_spawn(shares, (void *)i)) != 0);
    }
    for (int i = 0; i < SHARERS; i++) {
        CHECK(pthread_join(sharers[i], NULL) == 0 && pthread_join(sharers[SHARERS + i], NULL) == 0);
        CHECK(greenlet_join(greenlets[i], NULL) == 0);
    }
    CHECK(greenlet_event_reset(event) == 0);
    for (int i = 0; i < MANY; i++)
        CHECK(pthread_create(&young[i], NULL, waits, NULL) == 0);
    CHECK(greenlet_sleep(0.02) == 0 && tasks() < ELDERS + 2 + MANY);
    CHECK(greenlet_event_send(event, NULL) == 0);
    for (int i = 0; i < MANY; i++)
        CHECK(pthread_join(young[i], NULL) == 0);

    greenlet_t initialiser = greenlet_spawn(begins, NULL); // an elder is at it
    CHECK(greenlet_sleep(0.01) == 0 && write(release[1], "x", 1) == 1 && greenlet_join(initialiser, NULL) == 0);
    greenlet_t partner = greenlet_spawn(plays, (void *)1);
    CHECK(greenlet_join(partner, NULL) == 0 && pthread_join(player, NULL) == 0);
    wake();
    for (int i = 0; i < ELDERS; i++)
        CHECK(pthread_join(old[i], NULL) == 0);
    if (wrong == 0)
        puts("all is right");
    return wrong != 0;
}
