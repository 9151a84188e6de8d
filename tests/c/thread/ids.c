// gettid is the process id in main only and unique among the living; pthread_self is what pthread_create gave.
#include "oracle.h"

enum { COUNT = 50 };

static pid_t ids[COUNT];
static pthread_t selves[COUNT];
static sem_t arrived, leave;

static void *body(void *slot)
{
    intptr_t i = (intptr_t)slot;
    ids[i] = gettid();
    selves[i] = pthread_self();
    MUST(sem_post(&arrived) == 0);
    MUST(sem_wait(&leave) == 0);
    bool same = ids[i] == gettid() && pthread_equal(selves[i], pthread_self());
    return (void *)(intptr_t)same;
}

int main(void)
{
    begin();
    pthread_t threads[COUNT];
    int twice = 0, equal = 0, like_process = 0, stable = 0;
    MUST(sem_init(&arrived, 0, 0) == 0 && sem_init(&leave, 0, 0) == 0);
    say("main: %d", gettid() == getpid());
    for (intptr_t i = 0; i < COUNT; i++)
        threads[i] = start(body, (void *)i);
    for (int i = 0; i < COUNT; i++)
        MUST(sem_wait(&arrived) == 0);
    for (int i = 0; i < COUNT; i++) {
        like_process += ids[i] == getpid();
        equal += pthread_equal(threads[i], selves[i]) != 0;
        for (int j = 0; j < i; j++)
            twice += ids[i] == ids[j] || pthread_equal(threads[i], threads[j]);
    }
    for (int i = 0; i < COUNT; i++)
        MUST(sem_post(&leave) == 0);
    for (int i = 0; i < COUNT; i++)
        stable += finish(threads[i]) != NULL;
    say("given twice: %d, equal: %d, like the process: %d, stable: %d", twice, equal, like_process, stable);
    say("main is itself: %d %d", pthread_equal(pthread_self(), pthread_self()) != 0, gettid() == getpid());
    say("main is another: %d", pthread_equal(pthread_self(), threads[0]) != 0);
    return 0;
}
