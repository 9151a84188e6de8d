// Timed locks on the kinds that look at their owner first.
#include "oracle.h"

static void try_kind(const char *name, int kind)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t mutex;
    MUST(pthread_mutexattr_init(&attributes) == 0);
    MUST(pthread_mutexattr_settype(&attributes, kind) == 0);
    MUST(pthread_mutex_init(&mutex, &attributes) == 0);
    say("%s:", name);
    struct timespec when = in_ms(CLOCK_REALTIME, 30);
    say_error("  first", pthread_mutex_timedlock(&mutex, &when));
    say_error("  by its owner", pthread_mutex_timedlock(&mutex, &when));
    struct timespec monotonic = in_ms(CLOCK_MONOTONIC, 30);
    say_error("  by its owner, clocklock", pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &monotonic));
    say_error("  unlock", pthread_mutex_unlock(&mutex));
    if (kind == PTHREAD_MUTEX_RECURSIVE) {
        say_error("  unlock", pthread_mutex_unlock(&mutex));
        say_error("  unlock", pthread_mutex_unlock(&mutex));
    }
    say_error("  destroy", pthread_mutex_destroy(&mutex));
}

int main(void)
{
    begin();
    finish(start(return_it, NULL));
    try_kind("normal", PTHREAD_MUTEX_NORMAL);
    try_kind("recursive", PTHREAD_MUTEX_RECURSIVE);
    try_kind("errorcheck", PTHREAD_MUTEX_ERRORCHECK);
    try_kind("adaptive", PTHREAD_MUTEX_ADAPTIVE_NP);
    return 0;
}
