// A blocked signal that was sent to one thread, and one that was sent to the process, are pending in the program that this thread
// executes, with what they carry; after an exec that fails they are where they were. By each of the functions.
#include "../oracle.h"

static void *parked(void *unused)
{
    sleep(100);
    return unused;
}

static void take_what_is_pending(const char *who)
{
    sigset_t pending;
    siginfo_t info;
    MUST(sigpending(&pending) == 0);
    for (int signo = 1; signo < NSIG; signo++) {
        sigset_t one;
        sigemptyset(&one);
        if (sigismember(&pending, signo) != 1 || sigaddset(&one, signo) != 0)
            continue;
        struct timespec none = {0, 0};
        while (sigtimedwait(&one, &info, &none) == signo)
            say("%s: %d pending, code %d, value %d", who, signo - (signo >= 34 ? 34 : 0), info.si_code,
                info.si_code == SI_QUEUE ? info.si_value.sival_int : 0);
    }
}

static char next[12], *path = "/proc/self/exe";

static int make_exec(int stage)
{
    char *argv[] = {"again", next, NULL};
    int fd;
    switch (stage) {
    case 0:
        return execv(path, argv);
    case 1:
        return execve(path, argv, environ);
    case 2:
        return execvp(path, argv);
    case 3:
        return execvpe(path, argv, environ);
    case 4:
        MUST((fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0);
        return fexecve(fd, argv, environ);
    case 5:
        return execveat(AT_FDCWD, path, argv, environ, 0);
    case 6:
        return execl(path, "again", next, NULL);
    case 7:
        return execlp(path, "again", next, "1", "2", "3", "4", "5", "6", "7", NULL);
    case 8:
        return execle(path, "again", next, "1", "2", "3", "4", NULL, environ);
    case 9:
        return (int)syscall(SYS_execve, path, argv, environ);
    default:
        return 0;
    }
}

static void send_all(void)
{
    MUST(pthread_kill(pthread_self(), SIGUSR1) == 0);
    MUST(pthread_sigqueue(pthread_self(), SIGRTMIN, (union sigval){.sival_int = 7}) == 0);
    MUST(pthread_sigqueue(pthread_self(), SIGRTMIN, (union sigval){.sival_int = 8}) == 0);
    MUST(kill(getpid(), SIGUSR2) == 0);
}

static void *execute(void *stage)
{
    sigset_t most;
    sigfillset(&most);
    sigdelset(&most, SIGALRM);
    MUST(pthread_sigmask(SIG_SETMASK, &most, NULL) == 0);
    send_all();
    say_call("no such program", execl("/nonexistent", "no", NULL));
    take_what_is_pending("after that");
    send_all();
    make_exec((int)(intptr_t)stage);
    return NULL;
}

int main(int argc, char **argv)
{
    begin();
    int stage = argc > 1 ? atoi(argv[1]) : 0;
    sigset_t most;
    sigfillset(&most);
    sigdelset(&most, SIGALRM);
    MUST(sigprocmask(SIG_SETMASK, &most, NULL) == 0);
    say("stage %d, %d arguments, the last but one is %s", stage, argc, argc > 2 ? argv[argc - 2] : "none");
    take_what_is_pending("the new program");
    if (stage == 10)
        return 0;
    snprintf(next, sizeof next, "%d", stage + 1);
    start(parked, NULL);
    finish(start(execute, (void *)(intptr_t)stage));
    say("no exec");
    return 1;
}
