// Signals to the process while threads that accept them come and go, block and unblock them: none is lost, none comes twice.
#include "oracle.h"

#include <stdatomic.h>

enum { SENT = 1500, AT_ONCE = 8 };

static atomic_int count;
static char seen[SENT];
static atomic_int twice;
static sigset_t set;

static void handler(int unused, siginfo_t *info, void *context)
{
    (void)unused;
    (void)context;
    if (seen[info->si_value.sival_int]++)
        atomic_fetch_add(&twice, 1);
    atomic_fetch_add(&count, 1);
}

static void *short_lived(void *index)
{
    MUST(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
    switch ((intptr_t)index % 4) {
    case 0: break;
    case 1: sched_yield(); break;
    case 2: usleep(100); break;
    case 3:
        MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
        sched_yield();
        MUST(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
        MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
        break;
    }
    return NULL;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    MUST(sigaction(SIGRTMIN + 1, &action, NULL) == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    for (int sent = 0; sent < SENT;) {
        pthread_t threads[AT_ONCE];
        for (intptr_t i = 0; i < AT_ONCE; i++)
            threads[i] = start(short_lived, (void *)i);
        for (int i = 0; i < AT_ONCE && sent < SENT; i++) {
            union sigval value = {.sival_int = sent};
            if (sigqueue(getpid(), SIGRTMIN + 1, value) == 0)
                sent++;
            else
                MUST(errno == EAGAIN);
        }
        for (int i = 0; i < AT_ONCE; i++)
            finish(threads[i]);
    }
    MUST(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
    for (int i = 0; i < 3000 && atomic_load(&count) < SENT; i++)
        sleep_ms(1);
    say("came: %d, twice: %d", atomic_load(&count), atomic_load(&twice));
    return 0;
}
