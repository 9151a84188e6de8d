// A library whose constructor starts a thread and waits for it: see constructor_creates.c.
#include <pthread.h>

static int ran;

static void *run(void *ignored)
{
    ran = 1;
    return ignored;
}

__attribute__((constructor)) static void begin(void)
{
    pthread_t thread;
    if (pthread_create(&thread, 0, run, 0) == 0)
        pthread_join(thread, 0);
}

int constructor_ran(void)
{
    return ran;
}
