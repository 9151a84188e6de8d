// Protection keys: the rights are the thread's that asked for them, and of those that it makes afterwards.
#include "oracle.h"

static pthread_barrier_t turn;
static int key = -1;

static void *older(void *unused)
{
    pthread_barrier_wait(&turn);
    pthread_barrier_wait(&turn);
    say("a thread that was there: %d", key < 0 ? -1 : pkey_get(key));
    return unused;
}

static void *younger(void *unused)
{
    say("a thread made since: %d", key < 0 ? -1 : pkey_get(key));
    if (key >= 0)
        MUST(pkey_set(key, 0) == 0);
    settle();
    say("it sets them: %d", key < 0 ? -1 : pkey_get(key));
    return unused;
}

int main(void)
{
    begin();
    MUST(pthread_barrier_init(&turn, NULL, 2) == 0);
    pthread_t thread = start(older, NULL);
    pthread_barrier_wait(&turn);
    // A machine may have none.
    key = pkey_alloc(0, PKEY_DISABLE_WRITE);
    pthread_barrier_wait(&turn);
    finish(thread);
    settle();
    say("main: %d", key < 0 ? -1 : pkey_get(key));
    finish(start(younger, NULL));
    say("main: %d", key < 0 ? -1 : pkey_get(key));
}
