// A child that asks to be told of its parent's end (PR_SET_PDEATHSIG) is told when the thread that made it ends, and not before:
// not when a kernel thread ends that had run it. However the child was made, before or after the exec that follows.
#include "oracle.h"

#include <pty.h>
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>

extern char **environ;

static char *self;
static int to_parent[2];
static sem_t go_on;

// Tells that it waits, waits, and tells of how it ended.
static int be_child(int wait_ms)
{
    sigset_t set;
    begin();
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
    MUST(write(to_parent[1], "w", 1) == 1);
    struct timespec longest = span_ms(wait_ms);
    int got = sigtimedwait(&set, NULL, &longest);
    return got == SIGUSR1 ? 1 : 2;
}

static int be_cloned(void *unused)
{
    (void)unused;
    return be_child(10000);
}

enum how { FORK, RAW_FORK, SYSTEM_CALL, CLONE, VFORK, SPAWN, OPEN, PTY, HOWS };
static const char *const names[] = {"fork",  "_Fork",       "fork by system call", "clone",
                                    "vfork", "posix_spawn", "popen",               "forkpty"};

static char stack[1 << 17] __attribute__((aligned(16)));

static pid_t make_child(enum how how)
{
    pid_t child = -1;
    char *arguments[] = {self, "child", NULL};
    char command[PATH_MAX + 16];
    int terminal;
    switch (how) {
    case FORK:
    case RAW_FORK:
    case SYSTEM_CALL:
    case PTY:
        child = how == FORK       ? fork()
                : how == RAW_FORK ? _Fork()
                : how == PTY      ? forkpty(&terminal, NULL, NULL, NULL)
                                  : (pid_t)syscall(SYS_fork);
        if (child == 0)
            _exit(be_child(10000));
        break;
    case CLONE:
        child = clone(be_cloned, stack + sizeof stack, SIGCHLD, NULL);
        break;
    case VFORK:
        child = vfork();
        if (child == 0) {
            execv(self, arguments);
            _exit(9);
        }
        break;
    case SPAWN:
        MUST(posix_spawn(&child, self, NULL, NULL, arguments, environ) == 0);
        break;
    default:
        snprintf(command, sizeof command, "exec %s child", self);
        MUST(popen(command, "r"));
        child = -2; // one of our children: the only one
    }
    return child;
}

static void *parent(void *how)
{
    char byte;
    pid_t child = make_child((enum how)(intptr_t)how);
    MUST(child != -1 && read(to_parent[0], &byte, 1) == 1);
    while (sem_wait(&go_on) != 0)
        MUST(errno == EINTR);
    return (void *)(intptr_t)child;
}

// Holds up a kernel thread where nothing is hooked: others are made meanwhile, of which some are too many afterwards.
static void *hold_up(void *unused)
{
    struct timespec span = span_ms(40);
    MUST(syscall(SYS_nanosleep, &span, NULL) == 0);
    return unused;
}

static void come_and_go(void)
{
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        threads[i] = start(hold_up, NULL);
    for (int i = 0; i < 8; i++)
        finish(threads[i]);
}

static int status_of(pid_t child)
{
    int status;
    while (waitpid(child > 0 ? child : -1, &status, 0) == -1)
        MUST(errno == EINTR);
    MUST(WIFEXITED(status));
    return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    begin();
    if (argc > 1) {
        to_parent[1] = 3;
        return be_child(10000);
    }
    self = argv[0];
    MUST(pipe(to_parent) == 0 && to_parent[1] == 4 && dup2(4, 5) == 5 && close(4) == 0);
    MUST(dup2(to_parent[0], 6) == 6 && dup2(5, 3) == 3);
    to_parent[0] = 6;
    to_parent[1] = 3;
    MUST(close(5) == 0 && fcntl(6, F_SETFD, FD_CLOEXEC) == 0 && sem_init(&go_on, 0, 0) == 0);
    for (intptr_t how = 0; how < HOWS; how++) {
        pthread_t thread = start(parent, (void *)how);
        come_and_go();
        sleep_ms(20);
        MUST(sem_post(&go_on) == 0);
        pid_t child = (pid_t)(intptr_t)finish(thread);
        say("%s, its thread ends: %s", names[how], status_of(child) == 1 ? "told" : "not told");
    }
    // Main's child, and another thread's, while kernel threads come and go.
    pid_t mains = fork();
    if (mains == 0)
        _exit(be_child(1200));
    pthread_t thread = start(parent, (void *)FORK);
    char byte;
    MUST(read(to_parent[0], &byte, 1) == 1);
    for (int i = 0; i < 5; i++) {
        come_and_go();
        sleep_ms(250);
    }
    say("main's: %s", status_of(mains) == 1 ? "told" : "not told");
    int status;
    MUST(waitpid(-1, &status, WNOHANG) == 0);
    MUST(sem_post(&go_on) == 0);
    say("in the end: %s", status_of((pid_t)(intptr_t)finish(thread)) == 1 ? "told" : "not told");
    return 0;
}
