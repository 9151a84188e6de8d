// Waiting for children in a thread, while others run: any child, a given one, none, stopped ones, and without waiting.
#include "oracle.h"

#include <sys/resource.h>

static struct others others;

static pid_t child_after(long ms, int status)
{
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        alarm(15);
        sleep_ms(ms);
        _exit(status);
    }
    return child;
}

static void *body(void *unused)
{
    int status;
    siginfo_t info = {0};
    struct rusage usage;
    pid_t child = child_after(40, 1);
    int before = others.ran;
    say_call("without waiting", waitpid(child, &status, WNOHANG));
    say_child("waitpid", child);
    say("others ran meanwhile: %d", others.ran - before >= 5);
    child = child_after(10, 2);
    MUST(wait(&status) == child);
    say("wait: %d", WEXITSTATUS(status));
    child = child_after(10, 3);
    MUST(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0);
    say("waitid: code %d, status %d", info.si_code, info.si_status);
    MUST(wait4(child, &status, 0, &usage) == child);
    say("wait4: %d", WEXITSTATUS(status));
    child = child_after(10, 4);
    MUST(wait3(&status, 0, &usage) == child);
    say("wait3: %d", WEXITSTATUS(status));
    child = child_after(10000, 5);
    MUST(kill(child, SIGSTOP) == 0);
    MUST(waitpid(child, &status, WUNTRACED) == child);
    say("stopped: %d by %d", WIFSTOPPED(status), WSTOPSIG(status));
    MUST(kill(child, SIGCONT) == 0);
    MUST(waitpid(child, &status, WCONTINUED) == child);
    say("continued: %d", WIFCONTINUED(status));
    MUST(kill(child, SIGKILL) == 0);
    say_child("killed", child);
    say_call("not ours", waitpid(1, &status, 0));
    say_call("no children", wait(&status));
    say_call("no such options", waitpid(-1, &status, 0x10000));
    return unused;
}

int main(void)
{
    begin();
    others_begin(&others);
    finish(start(body, NULL));
    say("in main:");
    body(NULL);
    others_end(&others);
    return 0;
}
