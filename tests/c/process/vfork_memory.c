// A vfork child runs in its parent's memory, and holds the thread that made it, and no other, until it execs or exits: the
// parent sees what the child wrote, and threads that the child waits for go on meanwhile.
#include "oracle.h"

static int counter, ends[2];
static bool stop;

static void *count(void *unused)
{
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        __atomic_add_fetch(&counter, 1, __ATOMIC_SEQ_CST);
        sleep_ms(1);
    }
    return unused;
}

static void *write_later(void *unused)
{
    sleep_ms(20);
    MUST(write(ends[1], "w", 1) == 1);
    return unused;
}

static void *body(void *unused)
{
    volatile int error = 0, before = counter, after = 0;
    volatile char byte = 0;
    volatile bool own_id = false;
    pid_t parent = getpid();

    pid_t child = vfork();
    if (child == 0) {
        usleep(40000);
        after = counter;
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
    pthread_t writer = start(write_later, NULL);
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
    pthread_t counting = start(count, NULL);
    finish(start(body, NULL));
    say("in main:");
    body(NULL);
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    finish(counting);
    return 0;
}
