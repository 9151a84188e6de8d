// Priority-inheriting mutexes: owner, errors, timed waits, and contention. Their owner is known to the kernel by thread id.
#include "oracle.h"

enum { THREADS = 8, ROUNDS = 200 };

static pthread_mutex_t mutex;
static int counter, inside, broken;
static sem_t held, release;

static void *count(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        MUST(pthread_mutex_lock(&mutex) == 0);
        broken += inside++ != 0;
        counter++;
        if (i % 50 == 0)
            usleep(50);
        inside--;
        MUST(pthread_mutex_unlock(&mutex) == 0);
    }
    return unused;
}

static void *hold(void *unused)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    MUST(sem_post(&held) == 0);
    MUST(sem_wait(&release) == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

int main(void)
{
    begin();
    pthread_mutexattr_t attributes;
    pthread_t threads[THREADS];
    MUST(sem_init(&held, 0, 0) == 0 && sem_init(&release, 0, 0) == 0);
    MUST(pthread_mutexattr_init(&attributes) == 0);
    say_error("setprotocol", pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT));
    MUST(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK) == 0);
    say_error("init", pthread_mutex_init(&mutex, &attributes));
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(count, NULL);
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    say("counter %d, two inside at once: %d", counter, broken);
    say_error("lock", pthread_mutex_lock(&mutex));
    say_error("lock again", pthread_mutex_lock(&mutex));
    say_error("unlock", pthread_mutex_unlock(&mutex));
    say_error("unlock again", pthread_mutex_unlock(&mutex));
    pthread_t holder = start(hold, NULL);
    MUST(sem_wait(&held) == 0);
    struct timespec when = in_ms(CLOCK_REALTIME, 30);
    say_error("trylock", pthread_mutex_trylock(&mutex));
    say_error("timedlock", pthread_mutex_timedlock(&mutex, &when));
    say_error("unlock another's", pthread_mutex_unlock(&mutex));
    MUST(sem_post(&release) == 0);
    finish(holder);
    say_error("trylock", pthread_mutex_trylock(&mutex));
    return 0;
}
