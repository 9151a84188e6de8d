// Numbers closed and replaced by syscall(2): close_range over everything, where the library's own descriptors lie, and dup2 and
// dup3 onto a number that a thread has waited for.
#include "oracle.h"

static int number;

static void *read_one(void *unused)
{
    char byte = '-';
    MUST(read(number, &byte, 1) == 1);
    say("got %c", byte);
    return unused;
}

static void read_later(int feed, const char *byte)
{
    pthread_t thread = start(read_one, NULL);
    settle();
    MUST(write(feed, byte, 1) == 1);
    finish(thread);
}

int main(void)
{
    begin();
    int first[2], second[2];
    MUST(pipe(first) == 0 && pipe(second) == 0);
    number = first[0];
    read_later(first[1], "1");
    say_call("close_range", syscall(SYS_close_range, 100, ~0U, 0));
    read_later(first[1], "2");
    MUST(syscall(SYS_dup2, second[0], number) == number);
    read_later(second[1], "3");
    stream_pair(first);
    MUST(syscall(SYS_dup3, first[0], number, O_CLOEXEC) == number);
    read_later(first[1], "4");
    say("close on exec: %d", (fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);
    say_call("wrong range", syscall(SYS_close_range, 5, 4, 0));
    say_call("same number", syscall(SYS_dup3, number, number, 0));
    return 0;
}
