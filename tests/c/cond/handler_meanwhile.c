// A handler does not end a wait for a condition, with SA_RESTART or without; and a signal that comes while the handler runs is not
// lost, neither one to this waiter nor to the one behind it.
#include "oracle.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t waits, in_handler, go_on;
static volatile sig_atomic_t ran;
static bool stays;

static void on_signal(int signo)
{
    (void)signo;
    ran++;
    if (stays) {
        MUST(sem_post(&in_handler) == 0);
        while (sem_wait(&go_on) != 0)
            MUST(errno == EINTR);
    }
}

static void *wait_once(void *timed)
{
    struct timespec until = in_ms(CLOCK_REALTIME, 10000);
    MUST(pthread_mutex_lock(&mutex) == 0);
    MUST(sem_post(&waits) == 0);
    int status = timed ? pthread_cond_timedwait(&cond, &mutex, &until) : pthread_cond_wait(&cond, &mutex);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return (void *)(intptr_t)(status + 1);
}

static pthread_t begin_wait(bool timed)
{
    pthread_t thread = start(wait_once, timed ? "timed" : NULL);
    MUST(sem_wait(&waits) == 0);
    MUST(pthread_mutex_lock(&mutex) == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return thread;
}

static bool has_ended(pthread_t thread, const char *what)
{
    void *value;
    int status = pthread_tryjoin_np(thread, &value);
    if (status == 0)
        say("%s: ended with %d", what, (int)(intptr_t)value - 1);
    return status == 0;
}

static void end(pthread_t thread, const char *what)
{
    say("%s: ended with %d", what, (int)(intptr_t)finish(thread) - 1);
}

static void interrupt_many(int flags, bool timed)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    ran = 0;
    pthread_t thread = begin_wait(timed);
    for (int i = 1; i <= 20; i++) {
        MUST(pthread_kill(thread, SIGUSR1) == 0);
        while (ran < i)
            sleep_ms(1);
    }
    settle();
    if (!has_ended(thread, "interrupted")) {
        MUST(pthread_cond_signal(&cond) == 0);
        end(thread, "signalled");
    }
}

static void signal_meanwhile(int signals, bool all)
{
    stays = true;
    pthread_t first = begin_wait(false);
    pthread_t second = begin_wait(true);
    MUST(pthread_kill(first, SIGUSR1) == 0);
    MUST(sem_wait(&in_handler) == 0);
    for (int i = 0; i < signals; i++)
        MUST((all ? pthread_cond_broadcast(&cond) : pthread_cond_signal(&cond)) == 0);
    settle();
    stays = false;
    MUST(sem_post(&go_on) == 0);
    settle();
    if (signals == 0) {
        say("none: first %d, second %d", has_ended(first, "first"), has_ended(second, "second"));
        MUST(pthread_cond_broadcast(&cond) == 0);
    }
    end(first, "first");
    end(second, "second");
}

enum { WAKE_UPS = 2000, WAITERS = 3 };

static int woken;

static void *wait_often(void *unused)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    while (woken < WAKE_UPS) {
        MUST(pthread_cond_wait(&cond, &mutex) == 0);
        woken++;
    }
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

static bool is_over(void)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    bool over = woken >= WAKE_UPS;
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return over;
}

static void *interrupt_often(void *waiters)
{
    for (int i = 0; !is_over(); i++) {
        MUST(pthread_kill(((pthread_t *)waiters)[i % WAITERS], SIGUSR1) == 0);
        sched_yield();
    }
    return NULL;
}

// Waiters are woken and interrupted at the same time.
static void both_often(void)
{
    pthread_t waiters[WAITERS];
    for (int i = 0; i < WAITERS; i++)
        waiters[i] = start(wait_often, NULL);
    pthread_t interrupter = start(interrupt_often, waiters);
    for (int i = 0; !is_over(); i++)
        MUST((i % 8 ? pthread_cond_signal(&cond) : pthread_cond_broadcast(&cond)) == 0);
    finish(interrupter);
    MUST(pthread_cond_broadcast(&cond) == 0);
    for (int i = 0; i < WAITERS; i++)
        finish(waiters[i]);
    say("woken often enough");
}

int main(void)
{
    begin();
    MUST(sem_init(&waits, 0, 0) == 0 && sem_init(&in_handler, 0, 0) == 0 && sem_init(&go_on, 0, 0) == 0);
    for (int timed = 0; timed < 2; timed++) {
        interrupt_many(0, timed);
        interrupt_many(SA_RESTART, timed);
    }
    signal_meanwhile(0, false);
    signal_meanwhile(2, false);
    signal_meanwhile(1, true);
    both_often();
}
