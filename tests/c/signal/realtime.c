// Real-time signals queue: every one arrives, lower numbers first, each number in the order of sending, with its value; standard
// ones merge, and the first stays. Sent to a thread and to the process, parked and running.
#include "oracle.h"

enum { MOST = 600 };

static struct { int number, value, code; } seen[MOST];
static volatile sig_atomic_t count;

static void handler(int number, siginfo_t *info, void *unused)
{
    (void)unused;
    if (count < MOST) {
        seen[count].number = number;
        seen[count].value = info->si_value.sival_int;
        seen[count].code = info->si_code;
        count = count + 1;
    }
}

static void say_seen(const char *what, int expected)
{
    for (int i = 0; i < 2000 && count < expected; i++)
        sleep_ms(1);
    say("%s: %d came", what, (int)count);
    for (int i = 0; i < count && i < 12; i++)
        say("  %d value %d code %d", seen[i].number - SIGRTMIN, seen[i].value, seen[i].code);
    count = 0;
}

static sigset_t set;
static sem_t go, done;

static void *target(void *unused)
{
    for (int round = 0; round < 2; round++) {
        MUST(sem_post(&done) == 0);
        while (sem_wait(&go) != 0)
            MUST(errno == EINTR);
        MUST(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
        MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    }
    MUST(sem_post(&done) == 0);
    return unused;
}

static void await(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        MUST(errno == EINTR);
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigfillset(&action.sa_mask);
    sigemptyset(&set);
    int numbers[] = {SIGUSR1, SIGRTMIN + 1, SIGRTMIN + 2, SIGRTMIN + 5};
    for (int i = 0; i < 4; i++) {
        MUST(sigaction(numbers[i], &action, NULL) == 0);
        sigaddset(&set, numbers[i]);
    }
    MUST(sem_init(&go, 0, 0) == 0 && sem_init(&done, 0, 0) == 0);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    pthread_t thread = start(target, NULL);
    await(&done);
    for (int i = 0; i < 3; i++) {
        union sigval value = {.sival_int = i};
        MUST(pthread_sigqueue(thread, SIGRTMIN + 5, value) == 0);
        MUST(pthread_sigqueue(thread, SIGRTMIN + 2, value) == 0);
        MUST(pthread_sigqueue(thread, SIGUSR1, value) == 0);
        MUST(pthread_kill(thread, SIGRTMIN + 1) == 0);
    }
    MUST(sem_post(&go) == 0);
    await(&done);
    say_seen("to a thread", 10);
    for (int i = 0; i < 3; i++) {
        union sigval value = {.sival_int = 10 + i};
        MUST(sigqueue(getpid(), SIGRTMIN + 5, value) == 0);
        MUST(sigqueue(getpid(), SIGRTMIN + 2, value) == 0);
    }
    MUST(sem_post(&go) == 0);
    await(&done);
    finish(thread);
    say_seen("to the process", 6);

    // Many, while main, who accepts them, is parked and runs by turns.
    MUST(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
    for (int i = 0; i < 500; i++) {
        union sigval value = {.sival_int = i};
        MUST(sigqueue(getpid(), SIGRTMIN + 1, value) == 0);
    }
    for (int i = 0; i < 2000 && count < 500; i++)
        sleep_ms(1);
    int in_order = 0;
    for (int i = 0; i < count; i++)
        in_order += seen[i].value == i;
    say("many: %d came, %d in order", (int)count, in_order);
    return 0;
}
