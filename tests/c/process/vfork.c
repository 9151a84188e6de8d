// vfork and exec from a thread, while others run: the child may change nothing of ours, the parent goes on after the exec.
#include "oracle.h"

static bool stop;

static void *others(void *unused)
{
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST))
        usleep(200);
    return unused;
}

static void *body(void *unused)
{
    for (volatile int i = 0; i < 10; i++) {
        pid_t child = vfork();
        MUST(child >= 0);
        if (child == 0) {
            execl("/bin/sh", "sh", "-c", i % 2 ? "exit 3" : "kill -9 $$", (char *)NULL);
            _exit(127);
        }
        if (i < 4)
            say_child("exec", child);
        else
            MUST(waitpid(child, NULL, 0) == child);
    }
    pid_t child = vfork();
    if (child == 0)
        _exit(9);
    say_child("_exit", child);
    child = vfork();
    if (child == 0) {
        execl("/nonexistent", "nonexistent", (char *)NULL);
        _exit(errno == ENOENT ? 11 : 12);
    }
    say_child("no such program", child);
    return unused;
}

int main(void)
{
    begin();
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = start(others, NULL);
    body(NULL);
    finish(start(body, NULL));
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 3; i++)
        finish(threads[i]);
    say("the others were not disturbed");
    return 0;
}
