// Detached in three ways: by attribute, by another thread, by itself. Completion is told by a semaphore.
#include "oracle.h"

static sem_t done;

static void *body(void *detach_myself)
{
    if (detach_myself)
        say_error("detach myself", pthread_detach(pthread_self()));
    MUST(sem_post(&done) == 0);
    return NULL;
}

static void *slow(void *unused)
{
    sleep_ms(20);
    MUST(sem_post(&done) == 0);
    return unused;
}

int main(void)
{
    begin();
    pthread_t thread;
    pthread_attr_t attributes;
    MUST(sem_init(&done, 0, 0) == 0);
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
    for (int i = 0; i < 100; i++)
        MUST(pthread_create(&thread, &attributes, body, NULL) == 0);
    for (int i = 0; i < 100; i++)
        MUST(sem_wait(&done) == 0);
    say("by attribute: all done");
    say_error("detach a running thread", pthread_detach(start(slow, NULL)));
    MUST(sem_wait(&done) == 0);
    start(body, (void *)1);
    MUST(sem_wait(&done) == 0);
    thread = start(body, NULL);
    MUST(sem_wait(&done) == 0);
    settle();
    say_error("detach a finished thread", pthread_detach(thread));
    return 0;
}
