// Untouched, SIGPIPE ends the process, also when it is a thread that writes while the others wait.
// ends: signal 13
#include "oracle.h"

static void *writer(void *fd)
{
    say("writing to nobody");
    (void)!write(*(int *)fd, "x", 1);
    say("never");
    return NULL;
}

int main(void)
{
    begin();
    int ends[2];
    signal(SIGPIPE, SIG_DFL);
    stream_pair(ends);
    MUST(close(ends[1]) == 0);
    finish(start(writer, &ends[0]));
    say("never");
    return 0;
}
