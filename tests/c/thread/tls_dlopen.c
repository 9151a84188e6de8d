// A library with thread-local variables arrives by dlopen. Threads that were parked before and threads made after
// have their own, freshly initialised; recycled threads too.
// module: tls_plugin.c
#include "oracle.h"

#include <dlfcn.h>

static sem_t arrived, loaded;
static int (*plugin_next)(void);
static int (*plugin_big)(void);

static void *use(void *wait_first)
{
    if (wait_first) {
        MUST(sem_post(&arrived) == 0);
        MUST(sem_wait(&loaded) == 0);
    }
    int first = plugin_next();
    sched_yield();
    int second = plugin_next();
    return (void *)(intptr_t)(first * 10000 + second * 100 + plugin_big());
}

int main(int argc, char **argv)
{
    begin();
    char path[PATH_MAX];
    pthread_t threads[10];
    MUST(argc > 0 && strlen(argv[0]) + 20 < sizeof path);
    strcpy(path, argv[0]);
    strcpy(strrchr(path, '/') + 1, "tls_plugin.so");
    MUST(sem_init(&arrived, 0, 0) == 0 && sem_init(&loaded, 0, 0) == 0);
    for (int i = 0; i < 5; i++)
        threads[i] = start(use, (void *)1);
    for (int i = 0; i < 5; i++)
        MUST(sem_wait(&arrived) == 0);
    void *plugin = dlopen(path, RTLD_NOW);
    MUST(plugin);
    plugin_next = (int (*)(void))dlsym(plugin, "plugin_next");
    plugin_big = (int (*)(void))dlsym(plugin, "plugin_big");
    MUST(plugin_next && plugin_big);
    for (int i = 5; i < 10; i++)
        threads[i] = start(use, NULL);
    for (int i = 0; i < 5; i++)
        MUST(sem_post(&loaded) == 0);
    for (int i = 0; i < 10; i++)
        say("thread %d: %ld", i, (long)(intptr_t)finish(threads[i]));
    for (int i = 0; i < 10; i++)
        say("later %d: %ld", i, (long)(intptr_t)finish(start(use, NULL)));
    say("main: %d %d", plugin_next(), plugin_big());
    say_call("unload", dlclose(plugin));
    say("after unloading: %ld", (long)(intptr_t)finish(start(return_it, NULL)));
    return 0;
}
