// The conditions of programs linked before glibc 2.3.2: another structure (a pointer), other symbol versions.
#include "oracle.h"

enum { ROUNDS = 500 };

// What pthread_cond_t was then: a word that the first use fills with a pointer.
typedef struct {
    void *hidden;
} old_cond_t;

extern int old_init(old_cond_t *, const pthread_condattr_t *);
extern int old_destroy(old_cond_t *);
extern int old_wait(old_cond_t *, pthread_mutex_t *);
extern int old_timedwait(old_cond_t *, pthread_mutex_t *, const struct timespec *);
extern int old_signal(old_cond_t *);
extern int old_broadcast(old_cond_t *);
__asm__(".symver old_init, pthread_cond_init@GLIBC_2.2.5");
__asm__(".symver old_destroy, pthread_cond_destroy@GLIBC_2.2.5");
__asm__(".symver old_wait, pthread_cond_wait@GLIBC_2.2.5");
__asm__(".symver old_timedwait, pthread_cond_timedwait@GLIBC_2.2.5");
__asm__(".symver old_signal, pthread_cond_signal@GLIBC_2.2.5");
__asm__(".symver old_broadcast, pthread_cond_broadcast@GLIBC_2.2.5");

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
    old_cond_t cond;
    long canary;
} turns[2] = {{.canary = 11}, {.canary = 22}};
static old_cond_t all;
static int turn, moves, ready;
static bool go;

static void *player(void *argument)
{
    int me = (int)(intptr_t)argument;
    MUST(pthread_mutex_lock(&mutex) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        while (turn != me)
            MUST(old_wait(&turns[me].cond, &mutex) == 0);
        moves++;
        turn = 1 - me;
        MUST(old_signal(&turns[turn].cond) == 0);
    }
    ready++;
    while (!go)
        MUST(old_wait(&all, &mutex) == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return NULL;
}

int main(void)
{
    begin();
    struct timespec when = in_ms(CLOCK_REALTIME, 30), past = {.tv_sec = 1}, wrong = {.tv_nsec = -1};
    say_error("init", old_init(&all, NULL));
    MUST(pthread_mutex_lock(&mutex) == 0);
    say_error("timedwait", old_timedwait(&all, &mutex, &when));
    say_error("timedwait, past", old_timedwait(&all, &mutex, &past));
    say_error("timedwait, no such time", old_timedwait(&all, &mutex, &wrong));
    MUST(pthread_mutex_unlock(&mutex) == 0);
    pthread_t first = start(player, (void *)0), second = start(player, (void *)1);
    do {
        sleep_ms(1);
        MUST(pthread_mutex_lock(&mutex) == 0);
        go = ready == 2;
        MUST(pthread_mutex_unlock(&mutex) == 0);
    } while (!go);
    say_error("broadcast", old_broadcast(&all));
    finish(first);
    finish(second);
    say("moves %d, canaries %ld %ld", moves, turns[0].canary, turns[1].canary);
    say_error("destroy", old_destroy(&all));
    return 0;
}
