// An initialiser that is cancelled has not happened: one of those who wait for it runs it again. The same when it
// leaves by pthread_exit.
#include "oracle.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t inside;
static int calls, waiters_done;
static int how;

static void initialise(void)
{
    if (++calls == 1) {
        MUST(sem_post(&inside) == 0);
        if (how == 0)
            sleep(100);
        else {
            settle();
            pthread_exit((void *)17);
        }
    }
}

static void *body(void *unused)
{
    MUST(pthread_once(&once, initialise) == 0);
    __atomic_add_fetch(&waiters_done, 1, __ATOMIC_RELAXED);
    return unused;
}

static void try_how(const char *name)
{
    pthread_t waiters[5];
    const pthread_once_t fresh = PTHREAD_ONCE_INIT;
    once = fresh;
    calls = waiters_done = 0;
    pthread_t first = start(body, NULL);
    MUST(sem_wait(&inside) == 0);
    for (int i = 0; i < 5; i++)
        waiters[i] = start(body, NULL);
    sleep_ms(20);
    if (how == 0)
        MUST(pthread_cancel(first) == 0);
    void *value = finish(first);
    say("%s: first %s", name, value == PTHREAD_CANCELED ? "cancelled" : value == (void *)17 ? "exited" : "returned");
    for (int i = 0; i < 5; i++)
        finish(waiters[i]);
    say("calls %d, waiters done %d", calls, waiters_done);
}

int main(void)
{
    begin();
    MUST(sem_init(&inside, 0, 0) == 0);
    try_how("cancelled");
    how = 1;
    try_how("exited");
    return 0;
}
