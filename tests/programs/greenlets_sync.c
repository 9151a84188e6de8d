// What greenlets and other threads tell one another by: time-outs around calls, events, semaphores, queues; and threads of their own
// kernel thread. Prints what it finds wrong, or that all is right.
#define _GNU_SOURCE
#include "greenlets.h"
#include <greenlet.h>

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 100, ITEMS = 500 };

#define P(number) ((void *)(intptr_t)(number))

// ---- with a time-out ------------------------------------------------------------------------------------------

static void *sleeps(void *result)
{
    return greenlet_sleep(5) == -1 && errno == ETIMEDOUT ? P(13) : result;
}

static void *computes(void *result)
{
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begin.tv_sec) * 1000000000L + now.tv_nsec - begin.tv_nsec < 20000000L);
    return result;
}

static void *has_inner(void *result)
{
    void *value = NULL;
    CHECK(greenlet_with_timeout(5, sleeps, NULL, P(1), &value) == 0 && value == P(13)); // the outer one's
    return result;
}

static void *has_shorter_inner(void *result)
{
    void *value = NULL;
    CHECK(greenlet_with_timeout(0.01, sleeps, NULL, P(1), &value) == 1 && value == P(1));
    return result;
}

static void *ends(void *unused)
{
    (void)greenlet_with_timeout(0.02, sleeps, NULL, NULL, NULL);
    CHECK(greenlet_with_timeout(5, sleeps, NULL, NULL, NULL) == 0);
    CHECK(false);
    return unused;
}

static void with_timeout(void)
{
    void *value = NULL;
    CHECK(greenlet_with_timeout(0.01, sleeps, P(7), P(8), &value) == 1 && value == P(8));
    // It fires too late: what is returned counts, and no later call fails.
    CHECK(greenlet_with_timeout(0.001, computes, P(7), P(8), &value) == 0 && value == P(7));
    CHECK(greenlet_sleep(0.01) == 0);
    CHECK(greenlet_with_timeout(0.05, has_inner, P(7), P(8), &value) == 1 && value == P(8));
    CHECK(greenlet_with_timeout(5, has_shorter_inner, P(7), P(8), &value) == 0 && value == P(7));
    CHECK(greenlet_with_timeout(5, computes, P(7), P(8), NULL) == 0);
    greenlet_t one = greenlet_spawn(ends, NULL);
    CHECK(greenlet_sleep(0.05) == 0 && greenlet_kill(one) == 0);
    CHECK(greenlet_join(one, &value) == 0 && value == GREENLET_KILLED);
    CHECK(greenlet_with_timeout(NAN, computes, NULL, NULL, NULL) == -1 && errno == EINVAL);
    CHECK(greenlet_with_timeout(1, NULL, NULL, NULL, NULL) == -1 && errno == EINVAL);
}

// ---- events ---------------------------------------------------------------------------------------------------

static greenlet_event_t *event;
static int got;

static void *awaits(void *expected)
{
    void *value = NULL;
    CHECK(greenlet_event_wait(event, GREENLET_FOREVER, &value) == 0 && value == expected);
    __atomic_add_fetch(&got, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void *fails(void *error)
{
    CHECK(greenlet_event_wait(event, 20, NULL) == -1 && errno == (int)(intptr_t)error);
    return NULL;
}

static void *sends(void *value)
{
    usleep(2000);
    CHECK(greenlet_event_send(event, value) == 0);
    return NULL;
}

// Half of them greenlets, half of them threads.
static void all_of(void *(*start)(void *), void *arg, void (*then)(void))
{
    greenlet_t greenlets[MANY / 2];
    pthread_t threads[MANY / 2];
    for (int i = 0; i < MANY / 2; i++)
        CHECK((greenlets[i] = greenlet_spawn(start, arg)) != 0 && pthread_create(&threads[i], NULL, start, arg) == 0);
    then();
    for (int i = 0; i < MANY / 2; i++)
        CHECK(greenlet_join(greenlets[i], NULL) == 0 && pthread_join(threads[i], NULL) == 0);
}

static void send_five(void)
{
    CHECK(greenlet_sleep(0.02) == 0 && got == 0);
    CHECK(greenlet_event_send(event, P(5)) == 0);
}

static void send_error(void)
{
    CHECK(greenlet_event_send_exception(event, EBADMSG) == 0);
}

static void *is_killed(void *unused)
{
    (void)greenlet_event_wait(event, GREENLET_FOREVER, NULL);
    CHECK(false);
    return unused;
}

static void events(void)
{
    void *value = NULL;
    CHECK((event = greenlet_event_new()) != NULL && greenlet_event_ready(event) == 0);
    CHECK(greenlet_event_wait(event, 0, NULL) == -1 && errno == ETIMEDOUT);
    CHECK(greenlet_event_wait(event, 0.01, NULL) == -1 && errno == ETIMEDOUT);
    all_of(awaits, P(5), send_five);
    CHECK(got == MANY && greenlet_event_ready(event) == 1);
    CHECK(greenlet_event_send(event, NULL) == -1 && errno == EALREADY);
    CHECK(greenlet_event_wait(event, 0, &value) == 0 && value == P(5));
    CHECK(greenlet_event_reset(event) == 0 && greenlet_event_ready(event) == 0);
    all_of(fails, P(EBADMSG), send_error);
    CHECK(greenlet_event_reset(event) == 0);

    // Sent to one that waits, and reset before its turn.
    greenlet_t one = greenlet_spawn(awaits, P(9));
    CHECK(greenlet_yield() == 0 && greenlet_event_send(event, P(9)) == 0 && greenlet_event_reset(event) == 0);
    CHECK(greenlet_join(one, NULL) == 0);

    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, sends, P(3)) == 0);
    CHECK(greenlet_event_wait(event, GREENLET_FOREVER, &value) == 0 && value == P(3));
    CHECK(pthread_join(thread, NULL) == 0 && greenlet_event_reset(event) == 0);

    CHECK(greenlet_exc_after(0.01, EDOM) != 0);
    CHECK(greenlet_event_wait(event, GREENLET_FOREVER, NULL) == -1 && errno == EDOM);
    one = greenlet_spawn(is_killed, NULL);
    CHECK(greenlet_yield() == 0 && greenlet_kill(one) == 0);
    CHECK(greenlet_join(one, &value) == 0 && value == GREENLET_KILLED);
    CHECK(greenlet_event_wait(event, NAN, NULL) == -1 && errno == EINVAL);
    CHECK(greenlet_event_send_exception(event, 0) == -1 && errno == EINVAL);
    CHECK(greenlet_event_send(NULL, NULL) == -1 && errno == EINVAL);
    greenlet_event_free(event);
    greenlet_event_free(NULL);
}

// ---- semaphores -----------------------------------------------------------------------------------------------

static greenlet_sem_t *sem;
static int inside;

static void *enters(void *unused)
{
    for (int i = 0; i < 20; i++) {
        CHECK(greenlet_sem_acquire(sem, GREENLET_FOREVER) == 0);
        CHECK(__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST) <= 3);
        CHECK(i % 4 ? greenlet_yield() == 0 : greenlet_sleep(0.0005) == 0);
        __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        CHECK(greenlet_sem_release(sem) == 0);
    }
    return unused;
}

static void *takes_one(void *unused)
{
    CHECK(greenlet_sem_acquire(sem, 20) == 0);
    return unused;
}

static void nothing(void)
{
}

static void handler(int signal)
{
    (void)signal;
    got++;
}

static void semaphores(void)
{
    CHECK((sem = greenlet_sem_new(3)) != NULL);
    all_of(enters, NULL, nothing);
    for (int i = 0; i < 3; i++)
        CHECK(greenlet_sem_acquire(sem, 0) == 0);
    CHECK(greenlet_sem_acquire(sem, 0) == -1 && errno == ETIMEDOUT);
    CHECK(greenlet_sem_acquire(sem, 0.01) == -1 && errno == ETIMEDOUT);

    // First come, first served; a handler ends no wait.
    greenlet_t one = greenlet_spawn(takes_one, NULL);
    CHECK(greenlet_yield() == 0);
    got = 0;
    signal(SIGALRM, handler);
    struct itimerval soon = {.it_value.tv_usec = 10000}, never = {0};
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    CHECK(greenlet_sem_acquire(sem, 0.05) == -1 && errno == ETIMEDOUT && got == 1);
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0 && signal(SIGALRM, SIG_DFL) == handler);
    CHECK(greenlet_sem_release(sem) == 0 && greenlet_join(one, NULL) == 0);
    greenlet_sem_free(sem);
    CHECK((sem = greenlet_sem_new(UINT_MAX)) != NULL);
    CHECK(greenlet_sem_release(sem) == -1 && errno == EOVERFLOW);
    greenlet_sem_free(sem);
}

// ---- queues ---------------------------------------------------------------------------------------------------

static greenlet_queue_t *queue;
static long sum;

static void *produces(void *unused)
{
    for (int i = 1; i <= ITEMS; i++)
        CHECK(greenlet_queue_put(queue, P(i), GREENLET_FOREVER) == 0);
    return unused;
}

static void *consumes(void *unused)
{
    void *item;
    while (greenlet_queue_get(queue, GREENLET_FOREVER, &item) == 0 && item != NULL)
        __atomic_add_fetch(&sum, (intptr_t)item, __ATOMIC_SEQ_CST);
    return unused;
}

static void *in_order(void *unused)
{
    for (int i = 1; i <= ITEMS; i++) {
        void *item = NULL;
        CHECK(greenlet_queue_get(queue, 20, &item) == 0 && item == P(i));
        CHECK(greenlet_queue_length(queue) <= 4);
    }
    return unused;
}

static void queues(void)
{
    void *item = NULL;
    CHECK(greenlet_queue_new(0) == NULL && errno == EINVAL);
    CHECK((queue = greenlet_queue_new(4)) != NULL);
    pthread_t threads[2];
    greenlet_t greenlets[2];
    CHECK(pthread_create(&threads[0], NULL, in_order, NULL) == 0);
    produces(NULL);
    CHECK(pthread_join(threads[0], NULL) == 0 && greenlet_queue_length(queue) == 0);
    CHECK((greenlets[0] = greenlet_spawn(in_order, NULL)) != 0);
    produces(NULL);
    CHECK(greenlet_join(greenlets[0], NULL) == 0);

    CHECK(pthread_create(&threads[0], NULL, produces, NULL) == 0 && pthread_create(&threads[1], NULL, consumes, NULL) == 0);
    greenlets[0] = greenlet_spawn(produces, NULL);
    greenlets[1] = greenlet_spawn(consumes, NULL);
    CHECK(pthread_join(threads[0], NULL) == 0 && greenlet_join(greenlets[0], NULL) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(greenlet_queue_put(queue, NULL, GREENLET_FOREVER) == 0);
    CHECK(pthread_join(threads[1], NULL) == 0 && greenlet_join(greenlets[1], NULL) == 0);
    CHECK(sum == 2L * ITEMS * (ITEMS + 1) / 2);

    CHECK(greenlet_queue_get(queue, 0.01, &item) == -1 && errno == ETIMEDOUT);
    for (int i = 0; i < 4; i++)
        CHECK(greenlet_queue_put(queue, P(i), 0) == 0);
    CHECK(greenlet_queue_put(queue, NULL, 0.01) == -1 && errno == ETIMEDOUT && greenlet_queue_length(queue) == 4);
    greenlet_queue_free(queue);
}

// ---- kernel threads -------------------------------------------------------------------------------------------

static void *is_native(void *unused)
{
    CHECK(greenlet_native_begin() == 0 && greenlet_native_begin() == 0);
    CHECK(gettid() == syscall(SYS_gettid) && gettid() < 1 << 22);
    CHECK(greenlet_event_wait(event, 20, NULL) == 0 && greenlet_sem_release(sem) == 0);
    CHECK(greenlet_native_end() == 0 && greenlet_native_end() == 0);
    return unused;
}

// With a kernel thread of its own it is a greenlet still: errors are thrown into it, and it can be killed.
static void *stays_a_greenlet(void *handle)
{
    CHECK(greenlet_exc_after(0.01, EDOM) != 0 && greenlet_native_begin() == 0);
    CHECK(greenlet_current() == *(greenlet_t *)handle);
    CHECK(greenlet_sleep(20) == -1 && errno == EDOM);
    CHECK(greenlet_with_timeout(0.01, sleeps, NULL, NULL, NULL) == 1);
    CHECK(greenlet_exc_after(0.01, ECHILD) != 0 && greenlet_sem_acquire(sem, 20) == -1 && errno == ECHILD);
    CHECK(greenlet_native_end() == 0);
    (void)greenlet_sleep(20);
    CHECK(false);
    return NULL;
}

static void native_greenlet(void)
{
    void *value = NULL;
    CHECK((sem = greenlet_sem_new(0)) != NULL);
    greenlet_t one;
    one = greenlet_spawn(stays_a_greenlet, &one);
    CHECK(greenlet_sleep(0.1) == 0 && greenlet_kill(one) == 0);
    CHECK(greenlet_join(one, &value) == 0 && value == GREENLET_KILLED);
    greenlet_sem_free(sem);
}

static void natives(void)
{
    pthread_t thread;
    CHECK((event = greenlet_event_new()) != NULL && (sem = greenlet_sem_new(0)) != NULL);
    greenlet_t one = greenlet_spawn(is_native, NULL);
    CHECK(one != 0 && pthread_create(&thread, NULL, is_native, NULL) == 0);
    CHECK(greenlet_sleep(0.01) == 0 && greenlet_event_send(event, NULL) == 0);
    CHECK(greenlet_sem_acquire(sem, 20) == 0 && greenlet_sem_acquire(sem, 20) == 0);
    CHECK(greenlet_join(one, NULL) == 0 && pthread_join(thread, NULL) == 0);
    greenlet_event_free(event);
    greenlet_sem_free(sem);
}

static volatile bool stops;

static void *posts(void *unused)
{
    while (!stops)
        CHECK(greenlet_sem_release(sem) == 0 && greenlet_sem_acquire(sem, 20) == 0);
    return unused;
}

static void in_children(void)
{
    pthread_t thread;
    CHECK((sem = greenlet_sem_new(1)) != NULL && pthread_create(&thread, NULL, posts, NULL) == 0);
    for (int i = 0; i < 10; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            alarm(20);
            CHECK(greenlet_sem_release(sem) == 0 && greenlet_sem_acquire(sem, 1) == 0);
            _exit(wrong != 0);
        }
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    stops = true;
    CHECK(pthread_join(thread, NULL) == 0);
    greenlet_sem_free(sem);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    CHECK(greenlet_event_new() == NULL && errno == EPERM);
    CHECK(greenlet_with_timeout(1, computes, NULL, NULL, NULL) == -1 && errno == EPERM);
    CHECK(greenlet_init(0) == 0);
    with_timeout();
    events();
    semaphores();
    queues();
    natives();
    native_greenlet();
    if (may_fork)
        in_children();
    if (wrong == 0)
        puts("all is right");
    return wrong != 0;
}
