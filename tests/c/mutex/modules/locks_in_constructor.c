// A library whose constructor locks a robust mutex, loads another library meanwhile, and leaves the mutex locked.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

pthread_mutex_t constructor_mutex;
int constructor_status = -1;

__attribute__((constructor)) static void lock(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    if (getenv("ORACLE_INHERIT"))
        pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    else
        pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&constructor_mutex, &attributes);
    constructor_status = pthread_mutex_lock(&constructor_mutex);
    if (!dlopen("libm.so.6", RTLD_NOW))
        abort();
}

__attribute__((destructor)) static void end(void)
{
    if (pthread_mutex_unlock(&constructor_mutex) != 0)
        abort();
}
