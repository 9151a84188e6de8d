// main returns while threads wait in every way: nothing is waited for, and the status is main's.
// ends: exit 5
#include "oracle.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t arrived, never;
static int ends[2];

static void *body(void *kind)
{
    char byte;
    MUST(sem_post(&arrived) == 0);
    switch ((intptr_t)kind) {
    case 0: MUST(read(ends[0], &byte, 1) == 1); break;
    case 1: sleep(100); break;
    case 2: MUST(sem_wait(&never) == 0); break;
    case 3: MUST(pthread_mutex_lock(&mutex) == 0); break;
    default:
        MUST(pthread_mutex_lock(&mutex) == 0);
        MUST(pthread_cond_wait(&cond, &mutex) == 0);
    }
    say("never");
    return NULL;
}

int main(void)
{
    begin();
    MUST(pipe(ends) == 0);
    MUST(sem_init(&arrived, 0, 0) == 0 && sem_init(&never, 0, 0) == 0);
    start(body, (void *)4);
    MUST(sem_wait(&arrived) == 0);
    settle();
    MUST(pthread_mutex_lock(&mutex) == 0);
    for (intptr_t i = 0; i < 4; i++)
        start(body, (void *)i);
    for (int i = 0; i < 4; i++)
        MUST(sem_wait(&arrived) == 0);
    say("main returns");
    return 5;
}
