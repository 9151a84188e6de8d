// A thread that binds itself to one processor runs there, and nobody else is moved.
#include "oracle.h"

#include <sched.h>

static cpu_set_t all;

static int first_cpu(void)
{
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all))
            return cpu;
    return -1;
}

static void *bound(void *unused)
{
    cpu_set_t one, now;
    int elsewhere = 0;
    CPU_ZERO(&one);
    CPU_SET(first_cpu(), &one);
    say_error("bind", pthread_setaffinity_np(pthread_self(), sizeof one, &one));
    for (int i = 0; i < 20; i++) {
        elsewhere += sched_getcpu() != first_cpu();
        usleep(100);
    }
    say("elsewhere: %d", elsewhere);
    MUST(pthread_getaffinity_np(pthread_self(), sizeof now, &now) == 0);
    say("told back: %d", CPU_EQUAL(&one, &now) != 0);
    MUST(sched_getaffinity(0, sizeof now, &now) == 0);
    say("by sched_getaffinity: %d", CPU_EQUAL(&one, &now) != 0);
    return unused;
}

static void *free_thread(void *unused)
{
    cpu_set_t now;
    usleep(3000);
    MUST(sched_getaffinity(0, sizeof now, &now) == 0);
    return (void *)(intptr_t)(CPU_EQUAL(&all, &now) != 0 ? 1 : unused != NULL);
}

int main(void)
{
    begin();
    cpu_set_t now;
    MUST(sched_getaffinity(0, sizeof all, &all) == 0);
    pthread_t before = start(free_thread, NULL);
    pthread_t thread = start(bound, NULL);
    pthread_t beside = start(free_thread, NULL);
    finish(thread);
    say("made before: %d", finish(before) != NULL);
    say("made beside: %d", finish(beside) != NULL);
    say("made after: %d", finish(start(free_thread, NULL)) != NULL);
    MUST(sched_getaffinity(0, sizeof now, &now) == 0);
    say("main: %d", CPU_EQUAL(&all, &now) != 0);
    CPU_ZERO(&now);
    say_error("no processor", pthread_setaffinity_np(pthread_self(), sizeof now, &now));
    return 0;
}
