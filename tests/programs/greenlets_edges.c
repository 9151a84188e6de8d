// What is rare in the life of greenlets: forks and other things that bind a thread, children, yields that fail, calls from timers, from
// other threads and at exit, and thousands of them. Prints what it finds wrong, or that all is right.
#define _GNU_SOURCE
#include "greenlets.h"
#include <greenlet.h>

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THOUSANDS = 3000, MANY_CHILDREN = 10 };

#define P(number) ((void *)(intptr_t)(number))

static void compute(double seconds)
{
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while (now.tv_sec - begin.tv_sec + (now.tv_nsec - begin.tv_nsec) / 1e9 < seconds);
}

static void *returns(void *value) { return value; }

static void *sleeps(void *value) { return (void)greenlet_sleep(100), value; }

// ---- never two at a time --------------------------------------------------------------------------------------

static volatile int inside;

static void section(void)
{
    CHECK(inside == 0);
    inside = 1;
    for (volatile int spin = 0; spin < 100000; spin++)
        ;
    CHECK(inside == 1);
    inside = 0;
}

static void *computes(void *unused)
{
    for (int i = 0; i < 60; i++) {
        section();
        CHECK(greenlet_yield() == 0);
    }
    return unused;
}

static void *has_children(void *unused)
{
    for (int i = 0; may_fork && i < 3; i++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            _exit(i);
        section();
        CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == i);
        section();
        CHECK(system("true") == 0);
        section();
        FILE *command = popen("true", "r");
        section();
        CHECK(command != NULL && pclose(command) == 0);
        section();
    }
    return unused;
}

// Its child lasts: who waits for that must not be in the way of others that make children.
static void *waits_long(void *unused)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        usleep(400000);
        _exit(3);
    }
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3);
    section();
    return unused;
}

static void children_at_once(void)
{
    greenlet_t all[MANY_CHILDREN];
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < MANY_CHILDREN; i++)
        CHECK((all[i] = greenlet_spawn(waits_long, NULL)) != 0);
    for (int i = 0; i < MANY_CHILDREN; i++)
        CHECK(greenlet_join(all[i], NULL) == 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    CHECK(end.tv_sec - begin.tv_sec + (end.tv_nsec - begin.tv_nsec) / 1e9 < 0.4 * MANY_CHILDREN / 2);
}

static void *is_stuck(void *unused)
{
    struct timespec while_stuck = {.tv_nsec = 30000000};
    syscall(SYS_nanosleep, &while_stuck, NULL); // the library does not see it, and the monitor does
    section();
    compute(0.03);
    section();
    return unused;
}

static void alone(void)
{
    void *(*const all[])(void *) = {computes, has_children, is_stuck, has_children, computes};
    enum { N = sizeof all / sizeof *all };
    greenlet_t greenlets[N];
    for (int i = 0; i < N; i++)
        CHECK((greenlets[i] = greenlet_spawn(all[i], NULL)) != 0);
    for (int i = 0; i < N; i++)
        CHECK(greenlet_join(greenlets[i], NULL) == 0);
}

// ---- bound by another -----------------------------------------------------------------------------------------

static volatile bool stops;
static volatile int turns;
static pthread_t thread_of_it;

static void *goes_on(void *unused)
{
    thread_of_it = pthread_self();
    while (!stops) {
        CHECK(greenlet_sleep(0.002) == 0);
        turns++;
    }
    return unused;
}

static void bound(void)
{
    cpu_set_t all;
    greenlet_t one = greenlet_spawn(goes_on, NULL);
    CHECK(greenlet_sleep(0.01) == 0 && sched_getaffinity(0, sizeof all, &all) == 0);
    for (int last = CPU_SETSIZE; CPU_COUNT(&all) > 1;)
        CPU_CLR(--last, &all);
    CHECK(pthread_setaffinity_np(thread_of_it, sizeof all, &all) == 0);
    // It has left the turns, and took none along.
    int before = turns;
    greenlet_t two = greenlet_spawn(computes, NULL);
    CHECK(greenlet_join(two, NULL) == 0);
    while (turns == before)
        CHECK(greenlet_sleep(0.002) == 0);
    stops = true;
    CHECK(greenlet_join(one, NULL) == 0);
}

// ---- errors that are thrown -----------------------------------------------------------------------------------

static void *catches(void *unused)
{
    CHECK(greenlet_exc_after(0, EIO) != 0 && greenlet_exc_after(0, EDOM) != 0 && greenlet_exc_after(0, ERANGE) != 0);
    compute(0.01);
    greenlet_t one = greenlet_spawn(returns, NULL);
    while (greenlet_yield() == 0) // one that never waits is looked at now and then
        ;
    CHECK(errno == EIO);
    CHECK(greenlet_kill(one) == 0); // it takes none
    CHECK(greenlet_sleep(0) == -1 && errno == EDOM);
    CHECK(greenlet_sleep(0.001) == -1 && errno == ERANGE);
    CHECK(greenlet_yield() == 0 && greenlet_join(one, NULL) == 0);
    // While it is in a join, which is not lost by that; and one that is over in no time.
    one = greenlet_spawn(sleeps, NULL);
    CHECK(greenlet_exc_after(0.005, EIO) != 0);
    CHECK(greenlet_join(one, NULL) == -1 && errno == EIO);
    CHECK(greenlet_kill(one) == 0 && greenlet_join(one, NULL) == 0);
    // For ever, and for no time.
    CHECK(greenlet_exc_after(INFINITY, EIO) != 0 && greenlet_exc_after(-INFINITY, EDOM) != 0);
    CHECK(greenlet_sleep(INFINITY) == -1 && errno == EDOM);
    greenlet_event_t *event = greenlet_event_new();
    CHECK(greenlet_exc_after(0, EIO) != 0);
    compute(0.005);
    CHECK(greenlet_event_wait(event, 0, NULL) == -1 && errno == ETIMEDOUT); // a look is no wait
    CHECK(greenlet_event_wait(event, 20, NULL) == -1 && errno == EIO);
    greenlet_event_free(event);
    return unused;
}

static void thrown(void)
{
    greenlet_t one = greenlet_spawn(catches, NULL);
    CHECK(greenlet_join(one, NULL) == 0);
}

// ---- joins ----------------------------------------------------------------------------------------------------

static void *joins(void *handle)
{
    CHECK(greenlet_join(*(greenlet_t *)handle, NULL) == 0);
    return NULL;
}

static void killed_joiner(void)
{
    void *value = NULL;
    greenlet_t one = greenlet_spawn(sleeps, NULL), joiner = greenlet_spawn(joins, &one);
    CHECK(greenlet_yield() == 0);
    CHECK(greenlet_join(one, NULL) == -1 && errno == EINVAL && greenlet_detach(one) == -1 && errno == EINVAL);
    CHECK(greenlet_kill(joiner) == 0 && greenlet_join(joiner, &value) == 0 && value == GREENLET_KILLED);
    CHECK(greenlet_kill(one) == 0 && greenlet_join(one, &value) == 0 && value == GREENLET_KILLED);
    CHECK(greenlet_join(0, NULL) == -1 && errno == ESRCH && greenlet_detach(0) == -1 && errno == ESRCH);
    CHECK(greenlet_kill(0) == 0);
}

// ---- kills ----------------------------------------------------------------------------------------------------

static greenlet_t victim;

static void *kills(void *unused)
{
    while (!stops)
        CHECK(greenlet_kill(__atomic_load_n(&victim, __ATOMIC_RELAXED)) == 0);
    return unused;
}

// What is killed by others is the one that was meant, and not who has its memory after it.
static void stale(void)
{
    pthread_t killer;
    stops = false;
    CHECK(pthread_create(&killer, NULL, kills, NULL) == 0);
    for (int i = 0; i < 10000; i++) {
        void *value = NULL;
        greenlet_t one = greenlet_spawn(returns, P(1));
        __atomic_store_n(&victim, one, __ATOMIC_RELAXED);
        CHECK(greenlet_join(one, &value) == 0 && (value == P(1) || value == GREENLET_KILLED));
        one = greenlet_spawn(returns, P(2));
        CHECK(greenlet_join(one, &value) == 0 && value == P(2));
    }
    stops = true;
    CHECK(pthread_join(killer, NULL) == 0);
}

static void *kills_itself_later(void *unused)
{
    int old;
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old) == 0);
    CHECK(greenlet_kill(greenlet_current()) == 0 && greenlet_sleep(0.001) == 0);
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old) == 0);
    (void)greenlet_yield();
    CHECK(false);
    return unused;
}

static void kill_of_itself(void)
{
    void *value = NULL;
    greenlet_t one = greenlet_spawn(kills_itself_later, NULL);
    CHECK(greenlet_join(one, &value) == 0 && value == GREENLET_KILLED);
}

// ---- timers ---------------------------------------------------------------------------------------------------

static int fired[3], of_child;

static void *counts(void *which) { return fired[(intptr_t)which]++, NULL; }

static void *spawns(void *unused)
{
    void *value = NULL;
    greenlet_t one = greenlet_spawn(returns, P(4));
    CHECK(greenlet_join(one, &value) == 0 && value == P(4));
    fired[2]++;
    // Its own timers are local to it, and it ends now.
    CHECK(greenlet_current() != 0 && greenlet_call_after(0.3, counts, P(0)) != 0);
    CHECK(greenlet_call_after_global(0.3, counts, P(1)) != 0);
    return unused;
}

static void *sets(void *unused)
{
    CHECK(greenlet_current() == 0 && greenlet_exc_after(1, EIO) == 0 && errno == EPERM);
    CHECK(greenlet_call_after(0.001, spawns, NULL) != 0); // of a thread that is no greenlet: whatever happens
    return unused;
}

static int last;

static void *comes_after(void *number)
{
    CHECK(last == (int)(intptr_t)number - 1);
    last = (int)(intptr_t)number;
    return NULL;
}

static void timers(void)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, sets, NULL) == 0 && pthread_join(thread, NULL) == 0);
    while (fired[1] == 0)
        CHECK(greenlet_sleep(0.002) == 0);
    CHECK(greenlet_sleep(0.02) == 0 && fired[2] == 1 && fired[0] == 0 && fired[1] == 1);
    greenlet_timer_t timer = greenlet_call_after(0, counts, P(2));
    while (fired[2] == 1)
        CHECK(greenlet_sleep(0.002) == 0);
    CHECK(greenlet_timer_cancel(timer) == 0 && greenlet_timer_cancel(timer) == 0); // it has fired
    // Due at once, all of them together.
    for (intptr_t i = 1; i <= THOUSANDS; i++)
        CHECK(greenlet_call_after(i % 3 ? 0 : -1, comes_after, P(i)) != 0);
    while (last < THOUSANDS)
        CHECK(greenlet_sleep(0.001) == 0);
}

// ---- children -------------------------------------------------------------------------------------------------

static void in_child(greenlet_t own, greenlet_t parents, greenlet_event_t *event)
{
    alarm(20);
    wrong = 0;
    CHECK(greenlet_active() == 1);
    // The parent's are not here, and stay its own.
    CHECK(greenlet_kill(parents) == 0 && greenlet_join(parents, NULL) == -1 && errno == ESRCH);
    CHECK(greenlet_detach(parents) == -1 && errno == ESRCH && greenlet_kill(own) == 0);
    CHECK(greenlet_exc_after(0.005, EIO) != 0 && greenlet_event_wait(event, 20, NULL) == -1 && errno == EIO);
    CHECK(greenlet_current() != 0);
    greenlet_t one = greenlet_spawn(computes, NULL), two = greenlet_spawn(computes, NULL);
    CHECK(one && two && greenlet_join(one, NULL) == 0 && greenlet_join(two, NULL) == 0);
    // Its own timer fires here, and not the parent's.
    CHECK(greenlet_call_after(0.001, counts, P(1)) != 0 && greenlet_sleep(0.05) == 0);
    while (fired[1] == of_child)
        CHECK(greenlet_sleep(0.002) == 0);
    CHECK(fired[1] == of_child + 1);
    fflush(stdout);
    _exit(wrong != 0);
}

static void *forks(void *parents)
{
    int status;
    greenlet_event_t *event = greenlet_event_new();
    CHECK(greenlet_call_after_global(0.02, counts, P(1)) != 0); // the parent's
    of_child = fired[1];
    pid_t child = fork();
    if (child == 0)
        in_child(greenlet_current(), *(greenlet_t *)parents, event);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    greenlet_event_free(event);
    return NULL;
}

static void children(void)
{
    greenlet_t parents = greenlet_spawn(sleeps, NULL);
    CHECK(greenlet_yield() == 0);
    forks(&parents);
    greenlet_t one = greenlet_spawn(forks, &parents);
    CHECK(greenlet_join(one, NULL) == 0);
    CHECK(greenlet_kill(parents) == 0 && greenlet_join(parents, NULL) == 0);
}

// ---- thousands ------------------------------------------------------------------------------------------------

static void thousands(void)
{
    static greenlet_t all[THOUSANDS];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < THOUSANDS; i++)
            CHECK((all[i] = greenlet_spawn(i % 2 ? returns : sleeps, P(i))) != 0);
        if (round)
            CHECK(greenlet_yield() == 0);
        for (int i = 0; i < THOUSANDS; i += 2)
            CHECK(greenlet_kill(all[i]) == 0);
        for (int i = 0; i < THOUSANDS; i++) {
            void *value = NULL;
            CHECK(greenlet_join(all[i], &value) == 0 && value == (i % 2 ? P(i) : GREENLET_KILLED));
        }
    }
}

// ---- at exit --------------------------------------------------------------------------------------------------

static void at_exit(void)
{
    void *value = NULL;
    greenlet_t one = greenlet_spawn(returns, P(3));
    CHECK(one != 0 && greenlet_sleep(0.001) == 0 && greenlet_join(one, &value) == 0 && value == P(3));
    CHECK(greenlet_call_after(0, counts, P(0)) != 0);
    while (fired[0] == 0)
        CHECK(greenlet_sleep(0.002) == 0);
    puts(wrong == 0 ? "all is right" : "not at exit");
    fflush(stdout);
    if (wrong)
        _exit(1);
}

int main(void)
{
    alarm(60);
    setvbuf(stdout, NULL, _IOLBF, 0);
    CHECK(greenlet_exc_after(1, EIO) == 0 && errno == EPERM);
    CHECK(greenlet_init(0) == 0);
    alone();
    if (may_fork)
        children_at_once();
    bound();
    thrown();
    killed_joiner();
    stale();
    kill_of_itself();
    timers();
    if (may_fork)
        children();
    thousands();
    (void)greenlet_spawn(sleeps, NULL); // nobody waits for it
    atexit(at_exit);
    return wrong != 0;
}
