// timedlock and clocklock: free, held until later, held for good, long past, no such time, no such clock.
#include "oracle.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t held, release;

static void *holder(void *unused)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    MUST(sem_post(&held) == 0);
    MUST(sem_wait(&release) == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

static void attempts(const char *state)
{
    struct timespec past = {.tv_sec = 1}, before = {.tv_sec = -1}, wrong = in_ms(CLOCK_REALTIME, 1000);
    wrong.tv_nsec = 1000000000;
    struct timespec negative = wrong;
    negative.tv_nsec = -1;
    const struct { const char *what; struct timespec *when; } tries[] = {
        {"long past", &past}, {"before the epoch", &before}, {"nsec too large", &wrong}, {"nsec negative", &negative},
    };
    say("%s:", state);
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        int error = pthread_mutex_timedlock(&mutex, tries[i].when);
        say("  timedlock, %s: %s", tries[i].what, error_name(error));
        if (error == 0)
            MUST(pthread_mutex_unlock(&mutex) == 0);
        error = pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, tries[i].when);
        say("  clocklock, %s: %s", tries[i].what, error_name(error));
        if (error == 0)
            MUST(pthread_mutex_unlock(&mutex) == 0);
    }
    int error = pthread_mutex_clocklock(&mutex, CLOCK_PROCESS_CPUTIME_ID, &past);
    say("  clocklock, no such clock: %s", error_name(error));
    if (error == 0)
        MUST(pthread_mutex_unlock(&mutex) == 0);
}

static void waits(void)
{
    long long began = now_ns(CLOCK_MONOTONIC);
    struct timespec when = in_ms(CLOCK_REALTIME, 40);
    say_error("timedlock", pthread_mutex_timedlock(&mutex, &when));
    say_took("  that", began, 39);
    began = now_ns(CLOCK_MONOTONIC);
    when = in_ms(CLOCK_MONOTONIC, 40);
    say_error("clocklock, monotonic", pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &when));
    say_took("  that", began, 40);
    began = now_ns(CLOCK_MONOTONIC);
    when = in_ms(CLOCK_REALTIME, 40);
    say_error("clocklock, realtime", pthread_mutex_clocklock(&mutex, CLOCK_REALTIME, &when));
    say_took("  that", began, 39);
}

static void *waiter(void *unused)
{
    struct timespec when = in_ms(CLOCK_REALTIME, 10000);
    say_error("a waiter gets it in time", pthread_mutex_timedlock(&mutex, &when));
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&held, 0, 0) == 0 && sem_init(&release, 0, 0) == 0);
    attempts("free");
    pthread_t thread = start(holder, NULL);
    MUST(sem_wait(&held) == 0);
    attempts("held");
    waits();
    pthread_t second = start(waiter, NULL);
    settle();
    MUST(sem_post(&release) == 0);
    finish(thread);
    finish(second);
    say_error("free again", pthread_mutex_trylock(&mutex));
    return 0;
}
