// The child of a fork goes on while a thread of its own works that the library left to the kernel, although its first thread and every
// other have ended.
#include "oracle.h"

#include <sched.h>

static void *works_on(void *unused)
{
    settle();
    say("work done");
    return unused;
}

static void *forker(void *how)
{
    cpu_set_t cpus;
    pthread_attr_t attributes;
    pthread_t thread;
    pid_t child = fork();
    MUST(child >= 0);
    if (child > 0) {
        say_child("child", child);
        return NULL;
    }
    begin();
    MUST(sched_getaffinity(0, sizeof cpus, &cpus) == 0);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&cpus) > 1; i++)
        CPU_CLR(i, &cpus);
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setaffinity_np(&attributes, sizeof cpus, &cpus) == 0);
    finish(start(return_it, NULL));
    MUST(pthread_create(&thread, &attributes, works_on, NULL) == 0);
    if (how)
        pthread_exit(NULL);
    return NULL;
}

int main(void)
{
    begin();
    for (intptr_t how = 0; how < 2; how++)
        finish(start(forker, (void *)how));
    return 0;
}
