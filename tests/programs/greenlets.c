// The calls of greenlet.h: order of turns, never two at a time, values, kills, stale handles, and what may not be done. Prints what it
// finds wrong, or that all is right.
#include "greenlets.h"
#include <greenlet.h>

#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 1000 };

// ---- turns ----------------------------------------------------------------------------------------------------

static int began, inside;

static void *counts(void *order)
{
    CHECK(began == (int)(intptr_t)order);
    began++;
    for (int i = 0; i < 20; i++) {
        // No lock and no atomic: nobody else is here.
        CHECK(inside == 0);
        inside = 1;
        for (volatile int spin = 0; spin < 200; spin++)
            ;
        CHECK(inside == 1);
        inside = 0;
        CHECK((i % 2 ? greenlet_yield() : greenlet_sleep(0)) == 0);
    }
    return (void *)(2 * (intptr_t)order);
}

static void turns(void)
{
    greenlet_t all[MANY];
    for (intptr_t i = 0; i < MANY; i++)
        CHECK((all[i] = greenlet_spawn(counts, (void *)i)) != 0);
    CHECK(began == 0); // the caller still has the turn
    for (intptr_t i = 0; i < MANY; i++) {
        void *value = NULL;
        CHECK(greenlet_join(all[i], &value) == 0 && value == (void *)(2 * i));
        CHECK(greenlet_join(all[i], NULL) == -1 && errno == ESRCH);
    }
}

// ---- whatever blocks ------------------------------------------------------------------------------------------

static int ends[2], done;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *blocks(void *how)
{
    char byte = 0;
    struct addrinfo *list = NULL, hints = {.ai_family = AF_INET, .ai_flags = AI_NUMERICHOST};
    switch ((intptr_t)how) {
    case 0: CHECK(recv(ends[0], &byte, 1, 0) == 1 && byte == 'x'); break;
    case 1: usleep(20000); break;
    case 2: CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0); break;
    case 3: CHECK(getaddrinfo("127.0.0.1", "1", &hints, &list) == 0); freeaddrinfo(list); break;
    case 4: CHECK(system("sleep 0.05") == 0); break;
    default: CHECK(greenlet_sleep(0.01) == 0); break;
    }
    CHECK(inside == 0);
    inside = 1;
    for (volatile int spin = 0; spin < 100000; spin++)
        ;
    inside = 0;
    done++;
    return NULL;
}

static void blocking(void)
{
    greenlet_t all[12];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    for (intptr_t i = 0; i < 12; i++)
        CHECK((all[i] = greenlet_spawn(blocks, (void *)(i % 6))) != 0);
    while (done < 8)
        CHECK(greenlet_sleep(0.01) == 0);
    CHECK(greenlet_sleep(0.05) == 0 && done == 8);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    CHECK(send(ends[1], "xx", 2, 0) == 2);
    for (int i = 0; i < 12; i++)
        CHECK(greenlet_join(all[i], NULL) == 0);
    CHECK(done == 12);
}

// ---- kills ----------------------------------------------------------------------------------------------------

static int ran, cleaned;

static void cleans(void *unused)
{
    (void)unused;
    cleaned++;
}

static void *runs(void *unused)
{
    ran++;
    return unused;
}

static void *waits(void *unused)
{
    pthread_cleanup_push(cleans, NULL);
    ran++;
    (void)greenlet_sleep(100);
    ran += 100;
    pthread_cleanup_pop(1);
    return unused;
}

static void *kills_itself(void *unused)
{
    pthread_cleanup_push(cleans, NULL);
    (void)greenlet_kill(greenlet_current());
    ran += 100;
    pthread_cleanup_pop(0);
    return unused;
}

static void kills(void)
{
    void *value = NULL;
    greenlet_t one = greenlet_spawn(runs, NULL);
    CHECK(greenlet_kill(one) == 0 && greenlet_join(one, &value) == 0);
    CHECK(value == GREENLET_KILLED && ran == 0);

    one = greenlet_spawn(waits, NULL);
    CHECK(greenlet_yield() == 0 && ran == 1 && cleaned == 0);
    CHECK(greenlet_kill(one) == 0 && cleaned == 1);
    CHECK(greenlet_kill(one) == 0); // dead
    CHECK(greenlet_join(one, &value) == 0 && value == GREENLET_KILLED);
    CHECK(greenlet_kill(one) == 0); // stale

    one = greenlet_spawn(kills_itself, NULL);
    CHECK(greenlet_join(one, &value) == 0 && value == GREENLET_KILLED && cleaned == 2 && ran == 1);
}

// ---- others ---------------------------------------------------------------------------------------------------

static void *from_a_thread(void *unused)
{
    CHECK(greenlet_current() == 0);
    began = 0;
    greenlet_t one = greenlet_spawn(counts, NULL);
    void *value = &value;
    CHECK(one != 0 && greenlet_sleep(0.001) == 0 && greenlet_join(one, &value) == 0 && value == NULL);
    return unused;
}

static void *whose(void *handle)
{
    CHECK(greenlet_current() == *(greenlet_t *)handle);
    return NULL;
}

static void others(void)
{
    pthread_t thread;
    CHECK(greenlet_current() != 0);
    CHECK(pthread_create(&thread, NULL, from_a_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
    greenlet_t one;
    one = greenlet_spawn(whose, &one);
    CHECK(greenlet_join(one, NULL) == 0);
    one = greenlet_spawn(runs, NULL);
    CHECK(greenlet_detach(one) == 0 && greenlet_detach(one) == -1 && errno == EINVAL);
    CHECK(greenlet_join(one, NULL) == -1 && errno == EINVAL);
    CHECK(greenlet_yield() == 0 && greenlet_detach(one) == -1 && errno == ESRCH);
    CHECK(greenlet_join(greenlet_current(), NULL) == -1 && errno == EDEADLK);
    CHECK(greenlet_spawn(NULL, NULL) == 0 && errno == EINVAL);
    CHECK(greenlet_sleep(NAN) == -1 && errno == EINVAL);
    CHECK(greenlet_sleep(-1) == 0);
    CHECK(greenlet_init(1) == -1 && errno == EINVAL);
}

// ---- timers ---------------------------------------------------------------------------------------------------

static char order[16];

static void *notes(void *letter)
{
    CHECK(greenlet_sleep(0.002) == 0); // it may block
    order[strlen(order)] = *(char *)letter;
    return NULL;
}

static void *sets_and_ends(void *unused)
{
    CHECK(greenlet_call_after(0.01, notes, "l") != 0);
    CHECK(greenlet_call_after_global(0.01, notes, "g") != 0);
    return unused;
}

static void *times_out(void *unused)
{
    char byte;
    CHECK(greenlet_exc_after(0.01, ETIMEDOUT) != 0);
    CHECK(recv(ends[0], &byte, 1, 0) == -1 && errno == ETIMEDOUT);
    // Two that have fired before it waits: a call each, in their order.
    CHECK(greenlet_exc_after(0, EBADMSG) != 0 && greenlet_exc_after(0, EDOM) != 0);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    for (struct timespec now = until; now.tv_nsec - until.tv_nsec < 20000000 && now.tv_sec == until.tv_sec;)
        clock_gettime(CLOCK_MONOTONIC, &now);
    CHECK(greenlet_sleep(5) == -1 && errno == EBADMSG);
    CHECK(usleep(5000000) == -1 && errno == EDOM);
    // A call that does not wait is none to fail.
    greenlet_timer_t timer = greenlet_exc_after(100, EIO);
    CHECK(greenlet_timer_cancel(timer) == 1 && greenlet_timer_cancel(timer) == 0);
    sem_t never;
    CHECK(sem_init(&never, 0, 0) == 0 && greenlet_exc_after(0.005, ECHILD) != 0);
    CHECK(sem_wait(&never) == -1 && errno == ECHILD);
    CHECK(greenlet_exc_after(0.005, 0) != 0);
    (void)greenlet_sleep(5);
    ran += 100;
    return unused;
}

static void timers(void)
{
    void *value = NULL;
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    CHECK(greenlet_call_after(0.02, notes, "c") != 0);
    CHECK(greenlet_call_after(0.01, notes, "a") != 0);
    CHECK(greenlet_call_after(0.01, notes, "b") != 0);
    greenlet_timer_t never = greenlet_call_after(0.01, notes, "x");
    CHECK(greenlet_timer_cancel(never) == 1 && greenlet_timer_cancel(never) == 0 && greenlet_timer_cancel(0) == 0);
    greenlet_t maker = greenlet_spawn(sets_and_ends, NULL);
    CHECK(greenlet_join(maker, NULL) == 0);
    while (strlen(order) < 4)
        CHECK(greenlet_sleep(0.005) == 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    CHECK((end.tv_sec - begin.tv_sec) * 1000000000L + end.tv_nsec - begin.tv_nsec >= 20000000L);
    CHECK(strcmp(order, "abgc") == 0); // of equal deadlines in the order in which they were set
    greenlet_t one = greenlet_spawn(times_out, NULL);
    CHECK(greenlet_join(one, &value) == 0 && value == GREENLET_KILLED && ran == 2);
    CHECK(greenlet_exc_after(1, -1) == 0 && errno == EINVAL);
    CHECK(greenlet_call_after(NAN, notes, NULL) == 0 && errno == EINVAL);
}

static void in_a_child(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        wrong = began = 0;
        greenlet_t one = greenlet_spawn(counts, (void *)0), two = greenlet_spawn(counts, (void *)1);
        CHECK(one && two && greenlet_join(one, NULL) == 0 && greenlet_join(two, NULL) == 0 && began == 2);
        fflush(stdout);
        _exit(wrong != 0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(void)
{
    alarm(60);
    setvbuf(stdout, NULL, _IOLBF, 0);
    CHECK(greenlet_active() == 0 && greenlet_current() == 0);
    CHECK(greenlet_spawn(runs, NULL) == 0 && errno == EPERM);
    CHECK(strchr(greenlet_version(), '.') != NULL);
    CHECK(greenlet_init(0) == 0 && greenlet_init(0) == 0 && greenlet_active() == 1);
    turns();
    blocking();
    kills();
    others();
    timers();
    in_a_child();
    if (wrong == 0)
        puts("all is right");
    return wrong != 0;
}
