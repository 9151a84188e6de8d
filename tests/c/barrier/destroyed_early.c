// A barrier is destroyed while a thread waits at it. That is undefined; glibc waits until the round is over, and so does whoever
// runs into it.
#include "oracle.h"

static pthread_barrier_t barrier;

static void *arrive(void *unused)
{
    int status = pthread_barrier_wait(&barrier);
    MUST(status == 0 || status == PTHREAD_BARRIER_SERIAL_THREAD);
    return unused;
}

static void *arrive_late(void *over)
{
    settle();
    *(int *)over = 1;
    return arrive(NULL);
}

int main(void)
{
    begin();
    static int over;
    MUST(pthread_barrier_init(&barrier, NULL, 2) == 0);
    start(arrive, NULL);
    settle();
    start(arrive_late, &over);
    say_error("destroy", pthread_barrier_destroy(&barrier));
    say("the round was over: %d", over);
    // With glibc a waiter may stay there.
    _exit(0);
}
