// A process-shared condition with a mutex that is not shared: whoever waits for the mutex gets it when the wait releases it, and the
// condition wakes by signal, broadcast and time.
#include "oracle.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond;
static bool waits, go;

static void *wait_for_it(void *timed)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    waits = true;
    sleep_ms(SETTLE_MS); // the other is in lock by now
    struct timespec until = in_ms(CLOCK_REALTIME, 30);
    int status = 0;
    while (!go && status == 0)
        status = timed ? pthread_cond_timedwait(&cond, &mutex, &until) : pthread_cond_wait(&cond, &mutex);
    say_error("waited", status);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return NULL;
}

static void round_with(const char *what, int (*wake)(pthread_cond_t *), void *timed)
{
    waits = go = false;
    pthread_t thread = start(wait_for_it, timed);
    for (bool seen = false; !seen;) {
        sleep_ms(1);
        MUST(pthread_mutex_lock(&mutex) == 0);
        seen = waits;
        if (seen && wake != NULL) {
            go = true;
            say_error(what, wake(&cond));
        }
        MUST(pthread_mutex_unlock(&mutex) == 0);
    }
    finish(thread);
}

static void *body(void *unused)
{
    round_with("signal", pthread_cond_signal, NULL);
    round_with("broadcast", pthread_cond_broadcast, NULL);
    round_with("nobody", NULL, &mutex);
    return unused;
}

int main(void)
{
    begin();
    pthread_condattr_t attributes;
    MUST(pthread_condattr_init(&attributes) == 0);
    MUST(pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
    MUST(pthread_cond_init(&cond, &attributes) == 0);
    finish(start(body, NULL));
    say_error("destroy", pthread_cond_destroy(&cond));
}
