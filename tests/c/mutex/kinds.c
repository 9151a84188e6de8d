// The four kinds of mutex, locked twice, unlocked by the wrong thread, tried, destroyed while held.
#include "oracle.h"

static pthread_mutex_t *mutex;

static void *other(void *unused)
{
    say_error("    trylock by another", pthread_mutex_trylock(mutex));
    say_error("    unlock by another", pthread_mutex_unlock(mutex));
    return unused;
}

static void try_kind(const char *name, int kind, bool errors_checked)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t it;
    int told;
    mutex = &it;
    say("%s:", name);
    MUST(pthread_mutexattr_init(&attributes) == 0);
    say_error("  settype", pthread_mutexattr_settype(&attributes, kind));
    MUST(pthread_mutexattr_gettype(&attributes, &told) == 0 && told == kind);
    MUST(pthread_mutex_init(&it, &attributes) == 0);
    say_error("  lock", pthread_mutex_lock(&it));
    say_error("  trylock by its owner", pthread_mutex_trylock(&it));
    if (errors_checked)
        finish(start(other, NULL));
    if (kind == PTHREAD_MUTEX_RECURSIVE) {
        say_error("  lock again", pthread_mutex_lock(&it));
        say_error("  unlock", pthread_mutex_unlock(&it));
        say_error("  unlock", pthread_mutex_unlock(&it));
    }
    if (kind == PTHREAD_MUTEX_ERRORCHECK)
        say_error("  lock again", pthread_mutex_lock(&it));
    say_error("  destroy while held", pthread_mutex_destroy(&it));
    say_error("  unlock", pthread_mutex_unlock(&it));
    if (errors_checked)
        say_error("  unlock once more", pthread_mutex_unlock(&it));
    say_error("  destroy", pthread_mutex_destroy(&it));
    MUST(pthread_mutexattr_destroy(&attributes) == 0);
}

int main(void)
{
    begin();
    finish(start(return_it, NULL));
    try_kind("normal", PTHREAD_MUTEX_NORMAL, false);
    try_kind("recursive", PTHREAD_MUTEX_RECURSIVE, true);
    try_kind("errorcheck", PTHREAD_MUTEX_ERRORCHECK, true);
    try_kind("adaptive", PTHREAD_MUTEX_ADAPTIVE_NP, false);
    pthread_mutexattr_t attributes;
    MUST(pthread_mutexattr_init(&attributes) == 0);
    say_error("no such kind", pthread_mutexattr_settype(&attributes, 42));
    return 0;
}
