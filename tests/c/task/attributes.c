// A thread created with an affinity in its attributes has it, from its first step, and nobody else.
#include "oracle.h"

#include <sched.h>

static cpu_set_t all, one;

static void *tell(void *who)
{
    cpu_set_t now;
    int elsewhere = 0;
    for (int i = 0; i < 20; i++) {
        elsewhere += who && !CPU_ISSET(sched_getcpu(), &one);
        usleep(100);
    }
    MUST(sched_getaffinity(0, sizeof now, &now) == 0);
    say("%s: all %d, one %d, elsewhere %d", who ? (char *)who : "plain", CPU_EQUAL(&now, &all) != 0,
        CPU_EQUAL(&now, &one) != 0, elsewhere);
    return who;
}

int main(void)
{
    begin();
    pthread_attr_t attributes;
    pthread_t thread;
    MUST(sched_getaffinity(0, sizeof all, &all) == 0);
    CPU_ZERO(&one);
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && !CPU_COUNT(&one); cpu--)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    finish(start(tell, NULL));
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setaffinity_np(&attributes, sizeof one, &one) == 0);
    for (int i = 0; i < 3; i++) {
        MUST(pthread_create(&thread, &attributes, tell, "with an affinity") == 0);
        finish(thread);
        finish(start(tell, NULL));
    }
    MUST(pthread_attr_setaffinity_np(&attributes, 0, NULL) == 0);
    MUST(pthread_create(&thread, &attributes, tell, NULL) == 0);
    finish(thread);
    CPU_ZERO(&one);
    MUST(pthread_attr_setaffinity_np(&attributes, sizeof one, &one) == 0);
    say_error("no processor", pthread_create(&thread, &attributes, tell, "nowhere"));
    MUST(pthread_attr_destroy(&attributes) == 0);
    return 0;
}
