// sem_post is what a signal handler may call: posts from one wake the thread that waits, and it alone.
#include "oracle.h"

static sem_t semaphore;
static volatile sig_atomic_t handled;

static void handler(int unused)
{
    (void)unused;
    __atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
    sem_post(&semaphore);
}

static void *waiter(void *unused)
{
    for (int i = 0; i < 10; i++)
        while (sem_wait(&semaphore) == -1)
            MUST(errno == EINTR);
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&semaphore, 0, 0) == 0);
    handle(SIGUSR1, handler, SA_RESTART);
    pthread_t thread = start(waiter, NULL);
    for (int i = 0; i < 10; i++) {
        MUST(raise(SIGUSR1) == 0);
        sched_yield();
    }
    finish(thread);
    say("raised: handled %d", handled);

    handled = 0;
    thread = start(waiter, NULL);
    for (int i = 1; i <= 10; i++) {
        MUST(kill(getpid(), SIGUSR1) == 0);
        while (handled < i)
            sched_yield();
    }
    finish(thread);
    say("by kill: handled %d", handled);

    struct itimerval timer = {.it_value.tv_usec = 5000, .it_interval.tv_usec = 5000};
    handled = 0;
    handle(SIGPROF, handler, SA_RESTART);
    handle(SIGVTALRM, handler, SA_RESTART);
    handle(SIGALRM, handler, SA_RESTART);
    thread = start(waiter, NULL);
    MUST(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    finish(thread);
    timer.it_interval.tv_usec = timer.it_value.tv_usec = 0;
    MUST(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    handle(SIGALRM, SIG_DFL, 0);
    begin();
    say("by timer: enough %d", handled >= 10);
    return 0;
}
