// A process goes on while a thread of its own works that the library left to the kernel, although main and every other thread have
// ended; and ends when that one does.
#include "oracle.h"

#include <sched.h>

static void *works_on(void *unused)
{
    for (int i = 0; i < 3; i++) {
        settle();
        say("work %d", i);
    }
    return unused;
}

int main(void)
{
    begin();
    cpu_set_t cpus;
    pthread_attr_t attributes;
    pthread_t thread;
    MUST(sched_getaffinity(0, sizeof cpus, &cpus) == 0);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&cpus) > 1; i++)
        CPU_CLR(i, &cpus);
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setaffinity_np(&attributes, sizeof cpus, &cpus) == 0);
    finish(start(return_it, NULL));
    MUST(pthread_create(&thread, &attributes, works_on, NULL) == 0);
    pthread_exit(NULL);
}
