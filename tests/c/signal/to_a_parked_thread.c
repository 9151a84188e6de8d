// A signal to the process that main blocks goes to a thread that accepts it, parked or not, whatever it is parked in; the others
// are left alone. One that nobody accepts waits until somebody does.
#include "oracle.h"

enum { KINDS = 5 };

static _Thread_local int me = -1;
static volatile sig_atomic_t taken_by = -2;
static int quiet[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static volatile bool over;

static void handler(int unused)
{
    (void)unused;
    taken_by = me;
}

static void await_handler(void)
{
    for (int i = 0; i < 2000 && taken_by == -2; i++)
        sleep_ms(1);
}

static void say_who(void)
{
    say("taken by %d", (int)taken_by);
    taken_by = -2;
}

static void *accepting(void *kind)
{
    sigset_t set, none;
    char byte;
    me = (int)(intptr_t)kind;
    sigemptyset(&none);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    if (me != 2)
        MUST(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
    switch (me) {
    case 0: say_call("read", read(quiet[0], &byte, 1)); break;
    case 1: {
        struct timespec long_time = span_ms(10000);
        say_call("nanosleep", nanosleep(&long_time, NULL));
        break;
    }
    case 2: say_call("ppoll", ppoll(NULL, 0, NULL, &none)); break;
    case 3: say_call("pause", pause()); break;
    case 4:
        pthread_mutex_lock(&lock);
        while (!over)
            pthread_cond_wait(&never, &lock);
        pthread_mutex_unlock(&lock);
        break;
    }
    return NULL;
}

static void *unblocking(void *unused)
{
    sigset_t set;
    me = 200;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    MUST(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
    return unused;
}

static void *blocking(void *unused)
{
    me = 100;
    MUST(pthread_mutex_lock(&lock) == 0);
    while (!over)
        pthread_cond_wait(&never, &lock);
    MUST(pthread_mutex_unlock(&lock) == 0);
    return unused;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_handler = handler};
    sigset_t set, pending;
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    MUST(pipe(quiet) == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    pthread_t others[3];
    for (int i = 0; i < 3; i++)
        others[i] = start(blocking, NULL);
    for (intptr_t kind = 0; kind < KINDS; kind++) {
        pthread_t thread = start(accepting, (void *)kind);
        settle();
        MUST(kill(getpid(), SIGUSR1) == 0);
        await_handler();
        if (kind == 4) {
            pthread_mutex_lock(&lock);
            over = true;
            pthread_cond_broadcast(&never);
            pthread_mutex_unlock(&lock);
        }
        finish(thread);
        say_who();
    }
    for (int i = 0; i < 3; i++)
        finish(others[i]);
    MUST(kill(getpid(), SIGUSR1) == 0);
    settle();
    say("nobody's: %d", (int)taken_by);
    MUST(sigpending(&pending) == 0);
    say("pending: %d", sigismember(&pending, SIGUSR1));
    pthread_t late = start(unblocking, NULL);
    await_handler();
    finish(late);
    say_who();
    MUST(sigpending(&pending) == 0);
    say("pending: %d", sigismember(&pending, SIGUSR1));
    return 0;
}
