// Ctrl-C, as kill(getpid(), SIGINT): the handler runs while main is in a join, in a condition wait, in a semaphore, and asks the
// threads to stop.
#include "oracle.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static volatile sig_atomic_t asked;

static void handler(int unused)
{
    (void)unused;
    asked = 1;
}

static void *worker(void *unused)
{
    while (!asked)
        usleep(1000);
    MUST(pthread_mutex_lock(&mutex) == 0);
    MUST(pthread_cond_signal(&cond) == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

static void *interrupter(void *unused)
{
    sleep_ms(30);
    MUST(kill(getpid(), SIGINT) == 0);
    return unused;
}

static void *poster(void *unused)
{
    while (!asked)
        usleep(1000);
    MUST(sem_post(&semaphore) == 0);
    return unused;
}

int main(void)
{
    begin();
    handle(SIGINT, handler, SA_RESTART);
    MUST(sem_init(&semaphore, 0, 0) == 0);
    pthread_t thread = start(worker, NULL), other = start(interrupter, NULL);
    finish(thread);
    say("in join: asked %d", (int)asked);
    finish(other);

    asked = 0;
    MUST(pthread_mutex_lock(&mutex) == 0);
    thread = start(worker, NULL);
    other = start(interrupter, NULL);
    while (!asked)
        MUST(pthread_cond_wait(&cond, &mutex) == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    say("in a condition wait: asked %d", (int)asked);
    finish(thread);
    finish(other);

    asked = 0;
    thread = start(poster, NULL);
    other = start(interrupter, NULL);
    while (sem_wait(&semaphore) == -1)
        MUST(errno == EINTR);
    say("in a semaphore: asked %d", (int)asked);
    finish(thread);
    finish(other);
    return 0;
}
