// C11 mutexes and conditions: kinds, trying, timing out, counting, handing turns over.
#include "oracle.h"

#include <threads.h>

enum { THREADS = 8, ROUNDS = 500 };

static mtx_t mutex, timed, recursive;
static cnd_t cond;
static int counter, turn, arrived;
static bool go;

static int count(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        MUST(mtx_lock(&mutex) == thrd_success);
        counter++;
        if (i % 50 == 0)
            thrd_yield();
        MUST(mtx_unlock(&mutex) == thrd_success);
    }
    return 0;
}

static int attempts(void *unused)
{
    (void)unused;
    struct timespec soon = in_ms(CLOCK_REALTIME, 20), wrong = {.tv_nsec = 1000000000};
    say("trylock: %d", mtx_trylock(&timed));
    say("timedlock: %d", mtx_timedlock(&timed, &soon));
    say("timedlock, no such time: %d", mtx_timedlock(&timed, &wrong));
    return 0;
}

static int play(void *argument)
{
    int me = (int)(intptr_t)argument;
    MUST(mtx_lock(&mutex) == thrd_success);
    arrived++;
    while (!go)
        MUST(cnd_wait(&cond, &mutex) == thrd_success);
    for (int i = 0; i < ROUNDS; i++) {
        while (turn % 2 != me)
            MUST(cnd_wait(&cond, &mutex) == thrd_success);
        turn++;
        MUST(cnd_signal(&cond) == thrd_success);
    }
    MUST(mtx_unlock(&mutex) == thrd_success);
    return 0;
}

static void run(int many, int (*body)(void *))
{
    thrd_t threads[THREADS];
    for (intptr_t i = 0; i < many; i++)
        MUST(thrd_create(&threads[i], body, (void *)i) == thrd_success);
    if (body == play) {
        MUST(mtx_lock(&mutex) == thrd_success);
        while (arrived < many) {
            MUST(mtx_unlock(&mutex) == thrd_success);
            thrd_yield();
            MUST(mtx_lock(&mutex) == thrd_success);
        }
        go = true;
        MUST(cnd_broadcast(&cond) == thrd_success);
        MUST(mtx_unlock(&mutex) == thrd_success);
    }
    for (int i = 0; i < many; i++)
        MUST(thrd_join(threads[i], NULL) == thrd_success);
}

int main(void)
{
    begin();
    MUST(mtx_init(&mutex, mtx_plain) == thrd_success && cnd_init(&cond) == thrd_success);
    MUST(mtx_init(&timed, mtx_timed) == thrd_success);
    MUST(mtx_init(&recursive, mtx_plain | mtx_recursive) == thrd_success);
    say("no such kind: %d", mtx_init(&(mtx_t){0}, 77));
    run(THREADS, count);
    say("counter: %d", counter);
    MUST(mtx_lock(&timed) == thrd_success);
    run(1, attempts);
    for (int i = 0; i < 3; i++)
        say("recursive lock: %d", mtx_lock(&recursive));
    for (int i = 0; i < 3; i++)
        say("recursive unlock: %d", mtx_unlock(&recursive));
    run(2, play);
    say("turn: %d", turn);
    MUST(mtx_lock(&mutex) == thrd_success);
    struct timespec soon = in_ms(CLOCK_REALTIME, 20);
    say("timedwait: %d", cnd_timedwait(&cond, &mutex, &soon));
    say("still mine: %d", mtx_trylock(&mutex));
    return 0;
}
