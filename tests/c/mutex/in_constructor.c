// A constructor, run by dlopen, locks a robust mutex, or one that inherits priority, whose owner the kernel knows. The loader's own
// locks, which the thread holds meanwhile, are unlocked afterwards: other threads load, look up and unload.
// module: locks_in_constructor.c
#include "oracle.h"

#include <dlfcn.h>
#include <link.h>

static sem_t loaded, used;

static int count(struct dl_phdr_info *info, size_t size, void *any)
{
    (void)info;
    (void)size;
    *(int *)any = 1;
    return 0;
}

static void *load(void *path)
{
    void *module = dlopen(path, RTLD_NOW);
    if (!module)
        say("dlopen: %s", dlerror());
    MUST(module);
    pthread_mutex_t *mutex = dlsym(module, "constructor_mutex");
    int *status = dlsym(module, "constructor_status");
    MUST(mutex && status);
    say_error("locked in the constructor", *status);
    say_error("again", pthread_mutex_trylock(mutex));
    MUST(sem_post(&loaded) == 0);
    while (sem_wait(&used) != 0)
        MUST(errno == EINTR);
    MUST(dlclose(module) == 0);
    return NULL;
}

static void *use(void *unused)
{
    int any = 0;
    void *self = dlopen("libpthread.so.0", RTLD_NOW);
    MUST(self && dlclose(self) == 0);
    MUST(dlsym(RTLD_DEFAULT, "qsort"));
    MUST(dl_iterate_phdr(count, &any) == 0 && any);
    return unused;
}

int main(int argc, char **argv)
{
    char path[PATH_MAX];
    (void)argc;
    begin();
    const char *slash = strrchr(argv[0], '/');
    int folder = slash ? (int)(slash - argv[0]) + 1 : 0;
    snprintf(path, sizeof path, "%.*slocks_in_constructor.so", folder, argv[0]);
    MUST(sem_init(&loaded, 0, 0) == 0 && sem_init(&used, 0, 0) == 0);
    for (int how = 0; how < 4; how++) {
        MUST(how % 2 ? setenv("ORACLE_INHERIT", "1", 1) == 0 : unsetenv("ORACLE_INHERIT") == 0);
        pthread_t loader = start(load, path);
        MUST(sem_wait(&loaded) == 0);
        finish(start(use, NULL));
        use(NULL);
        MUST(sem_post(&used) == 0);
        finish(loader);
        finish(start(use, NULL));
        say("round %d", how);
    }
    return 0;
}
