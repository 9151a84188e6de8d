// Two threads send signals to the process, each the next when the handler has answered the last. One thread accepts them: it
// waits for a condition, wakes others, or tries a lock that other processes could have (which gives it a kernel thread). None may
// be lost, and the handlers may not pile up on its stack.
#include "oracle.h"

enum { ROUNDS = 1500, SENDERS = 2, WAITERS = 3 };

static sem_t answered[SENDERS];
static volatile bool over;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static const int SIGNALS[SENDERS] = {SIGUSR1, SIGUSR2};

static void on_signal(int signo)
{
    MUST(sem_post(&answered[signo == SIGUSR2]) == 0);
}

static void *send_signals(void *number)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 2)
            MUST(kill(getpid(), SIGNALS[(intptr_t)number]) == 0);
        else
            MUST(sigqueue(getpid(), SIGNALS[(intptr_t)number], (union sigval){.sival_int = i}) == 0);
        while (sem_wait(&answered[(intptr_t)number]) != 0)
            MUST(errno == EINTR);
    }
    return NULL;
}

static void accept_them(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    MUST(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
}

static void *wait_for_it(void *accepts)
{
    if (accepts)
        accept_them();
    MUST(pthread_mutex_lock(&mutex) == 0);
    while (!over)
        MUST(pthread_cond_wait(&cond, &mutex) == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return NULL;
}

static void *wake_others(void *unused)
{
    accept_them();
    while (!over)
        MUST(pthread_cond_broadcast(&cond) == 0);
    return unused;
}

static void *try_locks(void *unused)
{
    pthread_mutexattr_t kind;
    pthread_mutex_t shared;
    MUST(pthread_mutexattr_init(&kind) == 0);
    MUST(pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE) == 0);
    MUST(pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED) == 0);
    MUST(pthread_mutex_init(&shared, &kind) == 0);
    accept_them();
    while (!over) {
        MUST(pthread_mutex_trylock(&shared) == 0);
        MUST(pthread_mutex_trylock(&shared) == 0);
        MUST(pthread_mutex_unlock(&shared) == 0);
        MUST(pthread_mutex_unlock(&shared) == 0);
    }
    return unused;
}

static void answer_in(const char *what, void *(*body)(void *), void *argument)
{
    pthread_t waiters[WAITERS], senders[SENDERS];
    over = false;
    for (int i = 0; i < WAITERS; i++)
        waiters[i] = start(wait_for_it, NULL);
    pthread_t taker = start(body, argument);
    for (intptr_t i = 0; i < SENDERS; i++)
        senders[i] = start(send_signals, (void *)i);
    for (int i = 0; i < SENDERS; i++)
        finish(senders[i]);
    MUST(pthread_mutex_lock(&mutex) == 0);
    over = true;
    MUST(pthread_cond_broadcast(&cond) == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    finish(taker);
    for (int i = 0; i < WAITERS; i++)
        finish(waiters[i]);
    say("%s: all were answered", what);
}

int main(void)
{
    begin();
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < SENDERS; i++) {
        struct sigaction action = {.sa_handler = on_signal};
        MUST(sigaction(SIGNALS[i], &action, NULL) == 0);
        MUST(sem_init(&answered[i], 0, 0) == 0);
        sigaddset(&set, SIGNALS[i]);
    }
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    answer_in("waiting", wait_for_it, "accepts");
    answer_in("waking", wake_others, NULL);
    answer_in("trying", try_locks, NULL);
}
