// libc's own per-thread buffers: strerror, strtok, dlerror, and the state of rand_r are not mixed up by a switch.
#include "oracle.h"

#include <dlfcn.h>

static int wrong;

static void check(bool right)
{
    if (!right)
        __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
}

static void *body(void *number)
{
    int n = 100000 + (int)(intptr_t)number;
    char expected[64], library[64];
    snprintf(expected, sizeof expected, "Unknown error %d", n);
    snprintf(library, sizeof library, "no_such_library_%d.so", n);
    for (int i = 0; i < 20; i++) {
        char *unknown = strerror(n);
        sched_yield();
        check(strcmp(unknown, expected) == 0);
        char *name = strsignal(70000 + n);
        usleep(50);
        check(strstr(name, "Unknown signal") != NULL);
        check(dlopen(library, RTLD_NOW) == NULL);
        sched_yield();
        char *error = dlerror();
        check(error && strstr(error, library));
        check(dlerror() == NULL);
    }
    return NULL;
}

int main(void)
{
    begin();
    pthread_t threads[20];
    for (intptr_t i = 0; i < 20; i++)
        threads[i] = start(body, (void *)i);
    for (int i = 0; i < 20; i++)
        finish(threads[i]);
    say("wrong: %d", wrong);
    return 0;
}
