// A thread waits in a callback of dl_iterate_phdr, with the loader's lock, while another waits for that lock in dlclose. What the first
// waits for comes from a thread that is neither.
// module: tls_plugin.c
#include "oracle.h"

#include <dlfcn.h>
#include <link.h>

static sem_t in_callback, go_on, unload;

static int callback(struct dl_phdr_info *object, size_t size, void *unused)
{
    (void)object, (void)size, (void)unused;
    MUST(sem_post(&in_callback) == 0 && sem_wait(&go_on) == 0);
    return 1;
}

static void *iterate(void *unused)
{
    say("iterated: %d", dl_iterate_phdr(callback, NULL));
    return unused;
}

static void *close_library(void *library)
{
    MUST(sem_wait(&unload) == 0);
    MUST(dlclose(library) == 0);
    return NULL;
}

int main(int argc, char **argv)
{
    MUST(argc > 0);
    begin();
    char path[PATH_MAX];
    MUST(strlen(argv[0]) + sizeof "tls_plugin.so" < sizeof path);
    strcpy(path, argv[0]);
    strcpy(strrchr(path, '/') + 1, "tls_plugin.so");
    MUST(sem_init(&in_callback, 0, 0) == 0 && sem_init(&go_on, 0, 0) == 0 && sem_init(&unload, 0, 0) == 0);
    for (int round = 0; round < 5; round++) {
        void *library = dlopen(path, RTLD_NOW);
        MUST(library);
        pthread_t closer = start(close_library, library), iterator = start(iterate, NULL);
        MUST(sem_wait(&in_callback) == 0 && sem_post(&unload) == 0);
        settle();
        MUST(sem_post(&go_on) == 0);
        finish(iterator);
        finish(closer);
    }
    say("closed");
    return 0;
}
