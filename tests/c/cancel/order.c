// What a cancelled thread runs and in which order: cleanup handlers from the innermost, then key destructors; the request
// itself is no longer pending there, so handlers may wait.
#include "oracle.h"

static pthread_key_t keys[2];
static sem_t arrived;
static int ends[2];

static void clean(void *what)
{
    int state;
    char byte = '?';
    sleep_ms(1);
    MUST(read(ends[0], &byte, 1) == 1);
    MUST(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state) == 0);
    say("cleanup %s, read %c", (char *)what, byte);
}

static void destroyed(void *what)
{
    say("key %s", (char *)what);
    sched_yield();
}

static void inner(void)
{
    pthread_cleanup_push(clean, "third");
    MUST(sem_post(&arrived) == 0);
    sleep(100);
    pthread_cleanup_pop(0);
}

static void *body(void *unused)
{
    MUST(pthread_setspecific(keys[0], "first") == 0);
    MUST(pthread_setspecific(keys[1], "second") == 0);
    pthread_cleanup_push(clean, "first");
    pthread_cleanup_push(clean, "second");
    inner();
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0 && pipe(ends) == 0);
    MUST(pthread_key_create(&keys[0], destroyed) == 0 && pthread_key_create(&keys[1], destroyed) == 0);
    for (int i = 0; i < 3; i++) {
        pthread_t thread = start(body, NULL);
        MUST(sem_wait(&arrived) == 0);
        MUST(pthread_cancel(thread) == 0);
        MUST(pthread_cancel(thread) == 0);
        for (int letter = 'a'; letter <= 'c'; letter++)
            MUST(write(ends[1], &letter, 1) == 1);
        say("cancelled: %d", finish(thread) == PTHREAD_CANCELED);
    }
    return 0;
}
