// Libraries with thread-local variables, one's in static TLS, arrive by dlopen. Threads that were parked before and threads made
// after have their own, freshly initialised; recycled threads too.
// module: tls_plugin.c
// module: tls_fixed.c
#include "oracle.h"

#include <dlfcn.h>

static sem_t arrived, loaded;
static int (*plugin_next)(void);
static int (*plugin_big)(void);
static int (*plugin_fixed)(void);

enum { BEFORE = 20, ALL = 40 };

static void *use(void *wait_first)
{
    if (wait_first) {
        MUST(sem_post(&arrived) == 0);
        MUST(sem_wait(&loaded) == 0);
    }
    int first = plugin_next();
    sched_yield();
    int second = plugin_next();
    return (void *)(intptr_t)(plugin_fixed() * 1000000 + first * 10000 + second * 100 + plugin_big());
}

static void *load(const char *program, const char *name)
{
    char path[PATH_MAX];
    MUST(strlen(program) + strlen(name) < sizeof path);
    strcpy(path, program);
    strcpy(strrchr(path, '/') + 1, name);
    void *library = dlopen(path, RTLD_NOW);
    MUST(library);
    return library;
}

int main(int argc, char **argv)
{
    MUST(argc > 0);
    begin();
    pthread_t threads[ALL];
    MUST(sem_init(&arrived, 0, 0) == 0 && sem_init(&loaded, 0, 0) == 0);
    for (int i = 0; i < BEFORE; i++)
        threads[i] = start(use, (void *)1);
    for (int i = 0; i < BEFORE; i++)
        MUST(sem_wait(&arrived) == 0);
    void *plugin = load(argv[0], "tls_plugin.so"), *fixed = load(argv[0], "tls_fixed.so");
    plugin_next = (int (*)(void))dlsym(plugin, "plugin_next");
    plugin_big = (int (*)(void))dlsym(plugin, "plugin_big");
    plugin_fixed = (int (*)(void))dlsym(fixed, "plugin_fixed");
    MUST(plugin_next && plugin_big && plugin_fixed);
    for (int i = BEFORE; i < ALL; i++)
        threads[i] = start(use, NULL);
    for (int i = 0; i < BEFORE; i++)
        MUST(sem_post(&loaded) == 0);
    for (int i = 0; i < ALL; i++)
        say("thread %d: %ld", i, (long)(intptr_t)finish(threads[i]));
    for (int i = 0; i < 10; i++)
        say("later %d: %ld", i, (long)(intptr_t)finish(start(use, NULL)));
    say("main: %d %d", plugin_next(), plugin_big());
    say_call("unload", dlclose(plugin));
    say("after unloading: %ld", (long)(intptr_t)finish(start(return_it, NULL)));
    return 0;
}
