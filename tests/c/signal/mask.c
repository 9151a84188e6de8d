// Signal masks belong to the thread, are inherited by the ones it makes, and keep a signal pending until it is let in, in the
// thread it was sent to.
#include "oracle.h"

static volatile sig_atomic_t handled;
static sem_t ready, go;

static void handler(int unused)
{
    (void)unused;
    handled++;
}

static bool blocked(int signal_number)
{
    sigset_t now;
    MUST(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
    return sigismember(&now, signal_number);
}

static void change(int how, int signal_number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    MUST(pthread_sigmask(how, &set, NULL) == 0);
}

static void *inherits(void *unused)
{
    say("inherited: %d %d", blocked(SIGUSR1), blocked(SIGUSR2));
    change(SIG_BLOCK, SIGUSR2);
    sched_yield();
    usleep(1000);
    say("its own: %d %d", blocked(SIGUSR1), blocked(SIGUSR2));
    return unused;
}

static void *keeps_pending(void *unused)
{
    sigset_t pending;
    change(SIG_BLOCK, SIGUSR2);
    MUST(sem_post(&ready) == 0);
    MUST(sem_wait(&go) == 0);
    sigpending(&pending);
    say("pending for the thread: %d, handled %d", sigismember(&pending, SIGUSR2), (int)handled);
    change(SIG_UNBLOCK, SIGUSR2);
    say("let in: handled %d", (int)handled);
    return unused;
}

int main(void)
{
    begin();
    sigset_t pending;
    handle(SIGUSR1, handler, 0);
    handle(SIGUSR2, handler, 0);
    MUST(sem_init(&ready, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);
    change(SIG_BLOCK, SIGUSR1);
    finish(start(inherits, NULL));
    say("main's: %d %d", blocked(SIGUSR1), blocked(SIGUSR2));
    change(SIG_UNBLOCK, SIGUSR1);
    finish(start(inherits, NULL));
    pthread_t thread = start(keeps_pending, NULL);
    MUST(sem_wait(&ready) == 0);
    MUST(pthread_kill(thread, SIGUSR2) == 0);
    MUST(pthread_kill(thread, SIGUSR2) == 0);
    MUST(sigpending(&pending) == 0);
    say("pending for main: %d", sigismember(&pending, SIGUSR2));
    MUST(sem_post(&go) == 0);
    finish(thread);
    say_error("no such way", pthread_sigmask(77, &pending, NULL));
    change(SIG_BLOCK, SIGKILL);
    say("SIGKILL cannot be blocked: %d", !blocked(SIGKILL));
    return 0;
}
