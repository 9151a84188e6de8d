// Cancellation ends sigsuspend, pause, sigwait, sigwaitinfo and sigtimedwait, of a thread that is parked there and of one that is
// cancelled before it comes to them; which mask the cleanup handler finds.
#include "oracle.h"

static sigset_t set;
static sem_t ready, go;

static void cleanup(void *what)
{
    sigset_t now;
    MUST(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
    say("%s: cleanup, SIGUSR1 blocked %d, SIGUSR2 %d", (const char *)what, sigismember(&now, SIGUSR1), sigismember(&now, SIGUSR2));
}

static const char *names[] = {"sigsuspend", "pause", "sigwait", "sigwaitinfo", "sigtimedwait"};

static void *waiter(void *kind)
{
    sigset_t none;
    siginfo_t info;
    struct timespec long_time = span_ms(5000);
    int number;
    sigemptyset(&none);
    int old;
    pthread_cleanup_push(cleanup, (void *)names[(intptr_t)kind]);
    MUST(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old) == 0);
    MUST(sem_post(&ready) == 0);
    MUST(sem_wait(&go) == 0);
    MUST(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old) == 0);
    switch ((intptr_t)kind) {
    case 0: sigsuspend(&none); break;
    case 1: pause(); break;
    case 2: sigwait(&set, &number); break;
    case 3: sigwaitinfo(&set, &info); break;
    case 4: sigtimedwait(&set, &info, &long_time); break;
    }
    say("never");
    pthread_cleanup_pop(0);
    return NULL;
}

int main(void)
{
    begin();
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    MUST(sem_init(&ready, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);
    for (int parked = 0; parked < 2; parked++)
        for (intptr_t kind = 0; kind < 5; kind++) {
            pthread_t thread = start(waiter, (void *)kind);
            MUST(sem_wait(&ready) == 0);
            if (parked) {
                MUST(sem_post(&go) == 0);
                settle();
            }
            MUST(pthread_cancel(thread) == 0);
            if (!parked)
                MUST(sem_post(&go) == 0);
            say("%s: cancelled %d", names[kind], finish(thread) == PTHREAD_CANCELED);
        }
    return 0;
}
