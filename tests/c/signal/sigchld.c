// SIGCHLD: its handler reaps, while main waits in something else; an ignored one leaves no zombies.
#include "oracle.h"

static volatile sig_atomic_t reaped, status_sum;

static void on_child(int unused)
{
    int status, saved = errno;
    (void)unused;
    while (waitpid(-1, &status, WNOHANG) > 0) {
        reaped++;
        status_sum += WEXITSTATUS(status);
    }
    errno = saved;
}

static void make_children(int many)
{
    for (int i = 0; i < many; i++) {
        pid_t child = fork();
        MUST(child >= 0);
        if (child == 0) {
            alarm(15);
            sleep_ms(10 + i);
            _exit(i + 1);
        }
    }
}

static void *parked(void *unused)
{
    sleep(100);
    return unused;
}

int main(void)
{
    begin();
    sigset_t set, old;
    handle(SIGCHLD, on_child, SA_RESTART | SA_NOCLDSTOP);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    // Only main has SIGCHLD unblocked, so the handler runs nowhere else.
    MUST(pthread_sigmask(SIG_BLOCK, &set, &old) == 0);
    for (int i = 0; i < 3; i++)
        start(parked, NULL);
    MUST(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
    make_children(5);
    while (reaped < 5)
        usleep(10000);
    say("reaped %d, statuses %d", (int)reaped, (int)status_sum);
    say_call("none left", waitpid(-1, NULL, 0));
    handle(SIGCHLD, SIG_IGN, 0);
    make_children(3);
    long result = waitpid(-1, NULL, 0);
    say_call("ignored: waits for all, gets none", result);
    return 0;
}
