// Threads are made, end and are made again while others load and unload a library.
// module: tls_plugin.c
#include "oracle.h"

#include <dlfcn.h>
#include <stdatomic.h>

static char path[PATH_MAX];
static atomic_bool over;

static void *load(void *ignored)
{
    for (int i = 0; i < 200; i++) {
        void *library = dlopen(path, RTLD_NOW);
        MUST(library);
        MUST(dlclose(library) == 0);
    }
    return ignored;
}

static void *create(void *ignored)
{
    enum { THREADS = 30 };
    pthread_t threads[THREADS];
    while (!atomic_load(&over)) {
        for (int i = 0; i < THREADS; i++)
            threads[i] = start(return_it, NULL);
        for (int i = 0; i < THREADS; i++)
            finish(threads[i]);
    }
    return ignored;
}

int main(int argc, char **argv)
{
    MUST(argc > 0);
    begin();
    MUST(strlen(argv[0]) + sizeof "tls_plugin.so" < sizeof path);
    strcpy(path, argv[0]);
    strcpy(strrchr(path, '/') + 1, "tls_plugin.so");
    pthread_t creators[] = {start(create, NULL), start(create, NULL)};
    pthread_t loaders[] = {start(load, NULL), start(load, NULL)};
    finish(loaders[0]);
    finish(loaders[1]);
    atomic_store(&over, true);
    finish(creators[0]);
    finish(creators[1]);
    say("done");
    return 0;
}
