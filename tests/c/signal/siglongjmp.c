// siglongjmp out of a handler, in main and in threads, out of computing and out of a wait: the mask is restored and threads go on.
#include "oracle.h"

#include <setjmp.h>

static __thread sigjmp_buf back;
static volatile bool jumped;

static void handler(int unused)
{
    (void)unused;
    jumped = true;
    siglongjmp(back, 5);
}

static void *out_of_raise(void *unused)
{
    sigset_t now;
    for (int i = 0; i < 3; i++) {
        int value = sigsetjmp(back, 1);
        if (value == 0) {
            MUST(raise(SIGUSR1) == 0);
            say("never");
        }
        MUST(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
        say("back with %d, blocked %d", value, sigismember(&now, SIGUSR1));
    }
    return unused;
}

static sem_t ready;

static void *out_of_read(void *unused)
{
    int ends[2];
    char byte;
    MUST(pipe(ends) == 0);
    if (sigsetjmp(back, 1) == 0) {
        MUST(sem_post(&ready) == 0);
        MUST(read(ends[0], &byte, 1) == 1);
        say("never");
    }
    say("out of read");
    usleep(1000);
    MUST(write(ends[1], "x", 1) == 1);
    MUST(read(ends[0], &byte, 1) == 1);
    say("the pipe still works");
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&ready, 0, 0) == 0);
    handle(SIGUSR1, handler, 0);
    out_of_raise(NULL);
    finish(start(out_of_raise, NULL));
    for (int i = 0; i < 3; i++) {
        pthread_t thread = start(out_of_read, NULL);
        MUST(sem_wait(&ready) == 0);
        sleep_ms(20);
        jumped = false;
        MUST(pthread_kill(thread, SIGUSR1) == 0);
        finish(thread);
    }
    return 0;
}
