// A thread on a stack of the program's own locks a robust mutex; when it has been joined, its stack is the program's again.
#include "oracle.h"

enum { SIZE = 64 * 1024, BESIDE = 20 };

static void *lock(void *ignored)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t mutex;
    MUST(pthread_mutexattr_init(&attributes) == 0);
    MUST(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
    MUST(pthread_mutex_init(&mutex, &attributes) == 0);
    MUST(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    return ignored;
}

int main(void)
{
    begin();
    for (int i = 0; i < 20; i++) {
        pthread_t thread, beside[BESIDE];
        pthread_attr_t attributes;
        void *stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        MUST(stack != MAP_FAILED);
        MUST(pthread_attr_init(&attributes) == 0 && pthread_attr_setstack(&attributes, stack, SIZE) == 0);
        MUST(pthread_create(&thread, &attributes, lock, NULL) == 0);
        finish(thread);
        MUST(munmap(stack, SIZE) == 0);
        for (int j = 0; j < BESIDE; j++)
            beside[j] = start(return_it, NULL);
        for (int j = 0; j < BESIDE; j++)
            finish(beside[j]);
    }
    say("done");
    return 0;
}
