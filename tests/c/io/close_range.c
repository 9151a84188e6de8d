// Close-all loops, as daemons have them, and close_range: what the program did not open is not harmed, and threads can be
// made and wait afterwards.
#include "oracle.h"

static int ends[2];

static void *reader(void *unused)
{
    char byte = 0;
    MUST(read(ends[0], &byte, 1) == 1);
    sleep_ms(5);
    return byte == 'x' ? unused : ends;
}

static void works(const char *when)
{
    MUST(pipe(ends) == 0);
    pthread_t thread = start(reader, NULL);
    sleep_ms(10);
    MUST(write(ends[1], "x", 1) == 1);
    say("%s: %s", when, finish(thread) == NULL ? "works" : "broken");
}

int main(void)
{
    begin();
    works("before");
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    works("after a loop of close");
    MUST(close_range(3, ~0U, 0) == 0);
    works("after close_range");
    closefrom(3);
    works("after closefrom");
    for (int fd = 3; fd < 2048; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    int highest = -1;
    for (int fd = 0; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) != -1)
            highest = fd;
    say("the highest of ours: %d", highest);
    return 0;
}
