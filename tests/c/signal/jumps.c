// Jumps out of handlers, one after the other and nothing in between: the mask is back at once, for what the thread sends to itself,
// for what others send to it while it computes or waits in a call of the kernel's, and for the threads that it makes.
#include "oracle.h"

#include <setjmp.h>
#include <sys/file.h>

enum { TIMES = 4 };

static __thread sigjmp_buf back;
static __thread volatile int ran;

static void jump_back(int unused)
{
    (void)unused;
    ran++;
    siglongjmp(back, 1);
}

static void send_raise(void)
{
    raise(SIGUSR1);
}

static void send_pthread_kill(void)
{
    pthread_kill(pthread_self(), SIGUSR1);
}

static void send_sigqueue(void)
{
    pthread_sigqueue(pthread_self(), SIGUSR1, (union sigval){.sival_int = 1});
}

static void jump_out_of(const char *what, void (*send)(void))
{
    ran = 0;
    for (volatile int i = 0; i < TIMES; i++) {
        if (sigsetjmp(back, 1) == 0) {
            send();
            say("%s: never", what);
        }
    }
    say("%s: %d handlers", what, ran);
}

static void *say_mask(void *unused)
{
    sigset_t now;
    MUST(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
    say("a new thread: blocked %d", sigismember(&now, SIGUSR1));
    return unused;
}

static void *to_oneself(void *unused)
{
    jump_out_of("raise", send_raise);
    jump_out_of("pthread_kill", send_pthread_kill);
    jump_out_of("pthread_sigqueue", send_sigqueue);
    finish(start(say_mask, NULL));
    return unused;
}

static volatile int begun;

static void *computes(void *unused)
{
    ran = 0;
    while (ran < TIMES) {
        if (sigsetjmp(back, 1) == 0) {
            begun = ran + 1;
            for (;;)
                __asm__ volatile("pause");
        }
    }
    say("left %d computations", ran);
    return unused;
}

static int file;

static void *waits_in_the_kernel(void *unused)
{
    ran = 0;
    while (ran < TIMES) {
        if (sigsetjmp(back, 1) == 0) {
            int again = open("/proc/self/exe", O_RDONLY);
            MUST(again >= 0);
            begun = ran + 1;
            flock(again, LOCK_EX);
            say("never locked");
        }
    }
    say("left %d calls", ran);
    return unused;
}

static void send_from_outside(void *(*body)(void *))
{
    begun = 0;
    pthread_t thread = start(body, NULL);
    for (int i = 1; i <= TIMES; i++) {
        while (begun < i)
            usleep(500);
        sleep_ms(5);
        MUST(pthread_kill(thread, SIGUSR1) == 0);
    }
    finish(thread);
}

static volatile int second;

static void count_second(int unused)
{
    (void)unused;
    second++;
}

// Both come at once: neither is lost when the handler that runs first leaves by a jump.
static void *two_at_once(void *unused)
{
    for (volatile int i = 0; i < TIMES; i++) {
        sigset_t both;
        sigemptyset(&both);
        sigaddset(&both, SIGUSR1);
        sigaddset(&both, SIGUSR2);
        MUST(pthread_sigmask(SIG_BLOCK, &both, NULL) == 0);
        MUST(raise(SIGUSR1) == 0 && raise(SIGUSR2) == 0);
        if (sigsetjmp(back, 0) == 0) {
            MUST(pthread_sigmask(SIG_UNBLOCK, &both, NULL) == 0);
            say("both: never");
        }
        say("SIGUSR2 came %d times", second);
    }
    return unused;
}

int main(void)
{
    begin();
    handle(SIGUSR1, jump_back, 0);
    handle(SIGUSR2, count_second, 0);
    finish(start(say_mask, NULL));
    to_oneself(NULL);
    finish(start(to_oneself, NULL));
    send_from_outside(computes);
    file = open("/proc/self/exe", O_RDONLY);
    MUST(file >= 0 && flock(file, LOCK_EX) == 0);
    send_from_outside(waits_in_the_kernel);
    finish(start(two_at_once, NULL));
    return 0;
}
