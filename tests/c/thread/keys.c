// pthread keys: a fresh thread has none set, destructors run in rounds and no longer than PTHREAD_DESTRUCTOR_ITERATIONS,
// a deleted key's destructor does not run, and many keys work.
#include "oracle.h"

static pthread_key_t plain, chained, stubborn, deleted, many[100];
static int stubborn_rounds, many_destroyed;

static void on_plain(void *value)
{
    say("plain destroyed: %s", (char *)value);
}

static void on_chained(void *value)
{
    intptr_t left = (intptr_t)value;
    say("chained destroyed: %ld, now reads %p", (long)left, pthread_getspecific(chained));
    if (left > 1)
        MUST(pthread_setspecific(chained, (void *)(left - 1)) == 0);
    else
        MUST(pthread_setspecific(plain, "set by another destructor") == 0);
}

static void on_stubborn(void *value)
{
    stubborn_rounds++;
    MUST(pthread_setspecific(stubborn, value) == 0);
}

static void on_deleted(void *value)
{
    say("never: %p", value);
}

static void on_many(void *unused)
{
    (void)unused;
    many_destroyed++;
}

static void *fill(void *unused)
{
    bool fresh = !pthread_getspecific(plain) && !pthread_getspecific(chained) && !pthread_getspecific(stubborn);
    for (int i = 0; i < 100; i++)
        fresh = fresh && !pthread_getspecific(many[i]);
    say("fresh: %d", fresh);
    MUST(pthread_setspecific(chained, (void *)2) == 0);
    MUST(pthread_setspecific(stubborn, (void *)1) == 0);
    for (intptr_t i = 0; i < 100; i++)
        MUST(pthread_setspecific(many[i], (void *)(i + 1)) == 0);
    for (intptr_t i = 0; i < 100; i++)
        MUST(pthread_getspecific(many[i]) == (void *)(i + 1));
    return unused;
}

static void *use_deleted(void *unused)
{
    MUST(pthread_key_create(&deleted, on_deleted) == 0);
    MUST(pthread_setspecific(deleted, "x") == 0);
    say_error("delete", pthread_key_delete(deleted));
    say("reads %p", pthread_getspecific(deleted));
    say_error("set after delete", pthread_setspecific(deleted, "y"));
    say_error("delete twice", pthread_key_delete(deleted));
    return unused;
}

int main(void)
{
    begin();
    MUST(pthread_key_create(&plain, on_plain) == 0);
    MUST(pthread_key_create(&chained, on_chained) == 0);
    MUST(pthread_key_create(&stubborn, on_stubborn) == 0);
    for (int i = 0; i < 100; i++)
        MUST(pthread_key_create(&many[i], on_many) == 0);
    MUST(pthread_setspecific(plain, "main's own: not destroyed at exit") == 0);
    for (int i = 0; i < 3; i++) {
        stubborn_rounds = many_destroyed = 0;
        finish(start(fill, NULL));
        say("stubborn rounds: %d, many destroyed: %d", stubborn_rounds, many_destroyed);
    }
    finish(start(use_deleted, NULL));
    say_error("no such key", pthread_setspecific(99999, NULL));
    say("main's: %s", (char *)pthread_getspecific(plain));
    return 0;
}
