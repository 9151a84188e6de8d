// clone, the function and the system call, where it makes a process: with memory of its own, in which threads can be made, or
// in its parent's, which is held until the child execs or ends. Other threads go on meanwhile.
#include "oracle.h"

#include <sched.h>

static char stack[1 << 17] __attribute__((aligned(16)));
static int ends[2], written;
static struct others others;

// Waits for a thread of the parent, then has threads of its own.
static int own_memory(void *status)
{
    char byte;
    alarm(15);
    MUST(read(ends[0], &byte, 1) == 1);
    written = 1;
    usleep(2000);
    int sum = 0;
    for (intptr_t i = 0; i < 3; i++)
        sum += (int)(intptr_t)finish(start(return_it, (void *)i));
    say("in the child: %c, threads %d", byte, sum);
    return (int)(intptr_t)status;
}

static int parents_memory(void *status)
{
    char byte;
    int before = others.ran;
    if (read(ends[0], &byte, 1) == 1)
        written = 2;
    usleep(30000);
    if (others.ran - before >= 5)
        written++;
    for (int fd = 3; fd < 100; fd++)
        close(fd);
    return (int)(intptr_t)status;
}

static int execs(void *unused)
{
    execl("/bin/sh", "sh", "-c", "exit 9", (char *)NULL);
    return unused != NULL;
}

static void *body(void *unused)
{
    pthread_t writer = start(write_to, (void *)(intptr_t)ends[1]);
    written = 0;
    pid_t child = clone(own_memory, stack + sizeof stack, SIGCHLD, (void *)3);
    MUST(child > 0);
    finish(writer);
    say_child("own memory", child);
    say("what it wrote is its own: %d", written);

    writer = start(write_to, (void *)(intptr_t)ends[1]);
    child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0)
        _exit(own_memory((void *)4));
    finish(writer);
    say_child("by system call", child);
    child = (pid_t)syscall(SYS_fork);
    if (child == 0) {
        alarm(15);
        MUST(finish(start(return_it, (void *)1)) == (void *)1);
        _exit(5);
    }
    say_child("fork by system call", child);

    writer = start(write_to, (void *)(intptr_t)ends[1]);
    child = clone(parents_memory, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)6);
    say("what it wrote is seen, and others ran: %d", written);
    finish(writer);
    say_child("the parent's memory", child);
    child = clone(execs, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    say_child("exec", child);
    say_call("no function", clone(NULL, stack + sizeof stack, SIGCHLD, NULL));
    say_call("no stack", clone(execs, NULL, SIGCHLD, NULL));
    say_call("a wrong flag", clone(execs, stack + sizeof stack, CLONE_THREAD, NULL));
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
