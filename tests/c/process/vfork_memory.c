// A vfork child runs in its parent's memory, and holds the thread that made it, and no other, until it execs or exits: the
// parent sees what the child wrote, and threads that the child waits for go on meanwhile.
#include "oracle.h"

static int ends[2];
static struct others others;

static void *body(void *unused)
{
    volatile int error = 0, before = others.ran, after = 0;
    volatile char byte = 0;
    volatile bool own_id = false;
    pid_t parent = getpid();

    pid_t child = vfork();
    if (child == 0) {
        usleep(40000);
        after = others.ran;
        own_id = getpid() != parent && getppid() == parent && gettid() == getpid();
        _exit(3);
    }
    say("held until the child's end: %d, others ran meanwhile: %d, it had its own id: %d", after != 0,
        after - before >= 5, own_id);
    say_child("child", child);

    child = vfork();
    if (child == 0) {
        execl("/nonexistent", "nonexistent", (char *)NULL);
        error = errno;
        _exit(127);
    }
    say("the parent reads exec's error: %s", error_name(error));
    say_child("child", child);

    long long since = now_ns(CLOCK_MONOTONIC);
    child = vfork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", "sleep 5; exit 4", (char *)NULL);
        _exit(127);
    }
    say("not held after exec: %d", now_ns(CLOCK_MONOTONIC) - since < 4000000000LL);
    MUST(kill(child, SIGKILL) == 0);
    say_child("child", child);

    // What the child reads is written by a thread of its parent.
    pthread_t writer = start(write_to, (void *)(intptr_t)ends[1]);
    child = vfork();
    if (child == 0) {
        char got;
        if (read(ends[0], &got, 1) == 1)
            byte = got;
        execl("/bin/sh", "sh", "-c", "exit 5", (char *)NULL);
        _exit(127);
    }
    say("read: %c", byte);
    finish(writer);
    say_child("child", child);

    errno = EDOM;
    child = vfork();
    if (child == 0)
        _exit(6);
    say("errno: %s", error_name(errno));
    say_child("child", child);

    child = vfork();
    if (child == 0) {
        kill(getpid(), SIGKILL);
        _exit(127);
    }
    say_child("killed", child);
    return unused;
}

int main(void)
{
    begin();
    MUST(pipe(ends) == 0);
    others_begin(&others);
    finish(start(body, NULL));
    say("in main:");
    body(NULL);
    others_end(&others);
    return 0;
}
