// A signal ends sem_wait by EINTR when its handler was installed without SA_RESTART, and does not when with it.
#include "oracle.h"

static sem_t semaphore;
static volatile sig_atomic_t handled;
static volatile bool interrupted;

static void handler(int unused)
{
    (void)unused;
    handled++;
}

static void *waiter(void *unused)
{
    say_call("sem_wait without SA_RESTART", sem_wait(&semaphore));
    interrupted = true;
    return unused;
}

static void *timed_waiter(void *unused)
{
    struct timespec when = in_ms(CLOCK_REALTIME, 10000);
    say_call("sem_timedwait without SA_RESTART", sem_timedwait(&semaphore, &when));
    interrupted = true;
    return unused;
}

static void *restarting_waiter(void *unused)
{
    say_call("sem_wait with SA_RESTART", sem_wait(&semaphore));
    return unused;
}

static void interrupt(void *(*body)(void *))
{
    interrupted = false;
    pthread_t thread = start(body, NULL);
    while (!interrupted) {
        MUST(pthread_kill(thread, SIGUSR1) == 0);
        sleep_ms(5);
    }
    finish(thread);
}

int main(void)
{
    begin();
    MUST(sem_init(&semaphore, 0, 0) == 0);
    handle(SIGUSR1, handler, 0);
    interrupt(waiter);
    interrupt(timed_waiter);
    handle(SIGUSR1, handler, SA_RESTART);
    handled = 0;
    pthread_t thread = start(restarting_waiter, NULL);
    while (handled < 3) {
        MUST(pthread_kill(thread, SIGUSR1) == 0);
        sleep_ms(5);
    }
    say("handled while it waits");
    MUST(sem_post(&semaphore) == 0);
    finish(thread);
    return 0;
}
