// clone, the function and the system calls, of a child that has its parent's descriptors and memory of its own: what it opens and
// closes, the parent sees; what the library may have, it leaves alone; and it has threads of its own.
#include "oracle.h"

#include <linux/sched.h>
#include <sched.h>

enum { OWN_FIRST = 990, OWN_LAST = 1100 };

static char stack[1 << 17] __attribute__((aligned(16)));
static struct others others;
static int ends[2], answer[2];

static void *read_byte(void *fd)
{
    char byte = 0;
    MUST(read((int)(intptr_t)fd, &byte, 1) == 1);
    return (void *)(intptr_t)byte;
}

static int child_body(void *status)
{
    begin();
    int failed = 0;
    for (int fd = OWN_FIRST; fd <= OWN_LAST; fd++)
        failed += close(fd) == -1 && errno == EBADF;
    MUST(failed == OWN_LAST - OWN_FIRST + 1);
    MUST(open("/dev/null", O_RDONLY) >= 0);
    for (int round = 0; round < 2; round++) {
        pthread_t reader = start(read_byte, (void *)(intptr_t)ends[0]);
        usleep(2000);
        MUST(finish(start(return_it, (void *)5)) == (void *)5);
        MUST(write(ends[1], "c", 1) == 1);
        MUST(finish(reader) == (void *)'c');
    }
    MUST(write(answer[1], "d", 1) == 1);
    return (int)(intptr_t)status;
}

static pid_t make_child(int how)
{
    if (how == 0)
        return clone(child_body, stack + sizeof stack, CLONE_FILES | SIGCHLD, (void *)6);
    struct clone_args arguments = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
    pid_t child = how == 1 ? (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0)
                           : (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0)
        _exit(child_body((void *)(intptr_t)(6 + how)));
    return child;
}

static void *body(void *unused)
{
    for (int how = 0; how < 3; how++) {
        int next = dup(0);
        MUST(next >= 0 && close(next) == 0);
        pthread_t reader = start(read_byte, (void *)(intptr_t)answer[0]);
        usleep(3000);
        pid_t child = make_child(how);
        MUST(child > 0);
        say("the reader got %c", (int)(intptr_t)finish(reader));
        say_child("child", child);
        say("opened here too: %d", fcntl(next, F_GETFD) != -1);
        MUST(close(next) == 0);
        reader = start(read_byte, (void *)(intptr_t)ends[0]);
        usleep(3000);
        MUST(write(ends[1], "y", 1) == 1);
        say("and then %c", (int)(intptr_t)finish(reader));
    }
    return unused;
}

int main(void)
{
    begin();
    MUST(pipe(ends) == 0 && pipe(answer) == 0);
    others_begin(&others);
    finish(start(body, NULL));
    say("in main:");
    body(NULL);
    others_end(&others);
    return 0;
}
