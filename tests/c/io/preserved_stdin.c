// Reading from descriptor 0 in a thread while others write to 1 and 2: the three are usually one description, shared with
// the shell, whose mode nobody may change.
#include "oracle.h"

static void *reader(void *unused)
{
    char data[8] = "";
    ssize_t got = read(STDIN_FILENO, data, sizeof data);
    say("read %zd: %.*s", got, (int)got, data);
    return unused;
}

int main(void)
{
    begin();
    int ends[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    MUST(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    pthread_t thread = start(reader, NULL);
    settle();
    say("while it waits: %d", is_nonblocking(ends[0]));
    MUST(write(STDERR_FILENO, "to stderr\n", 10) == 10);
    MUST(write(ends[1], "input", 5) == 5);
    finish(thread);
    say("afterwards: %d", is_nonblocking(ends[0]));
    return 0;
}
