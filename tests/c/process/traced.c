// A thread traces its own child, which asked for that: the kernel takes the calls from the thread that made the child. Between two
// calls the thread waits, and others run.
#include "oracle.h"

#include <sys/ptrace.h>

static struct others others;

static void *hold_up(void *unused)
{
    struct timespec span = span_ms(30);
    MUST(syscall(SYS_nanosleep, &span, NULL) == 0);
    return unused;
}

static void let_others_run(void)
{
    pthread_t threads[6];
    for (int i = 0; i < 6; i++)
        threads[i] = start(hold_up, NULL);
    usleep(3000);
    for (int i = 0; i < 6; i++)
        finish(threads[i]);
}

static void *trace(void *unused)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        begin();
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(8);
        raise(SIGSTOP);
        raise(SIGUSR1);
        _exit(5);
    }
    let_others_run();
    MUST(waitpid(child, &status, 0) == child);
    say("stopped %d by %d", WIFSTOPPED(status), WSTOPSIG(status));
    for (int signal_number = SIGSTOP; WIFSTOPPED(status);) {
        let_others_run();
        say_call("options", ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)PTRACE_O_EXITKILL));
        let_others_run();
        say_call("continue", ptrace(PTRACE_CONT, child, NULL, NULL));
        MUST(waitpid(child, &status, __WALL) == child);
        if (WIFSTOPPED(status)) {
            MUST(WSTOPSIG(status) != signal_number);
            say("stopped by %d", WSTOPSIG(status));
        }
    }
    say("exit %d", WEXITSTATUS(status));
    return unused;
}

int main(void)
{
    begin();
    others_begin(&others);
    for (int i = 0; i < 3; i++)
        finish(start(trace, NULL));
    trace(NULL);
    others_end(&others);
    return 0;
}
