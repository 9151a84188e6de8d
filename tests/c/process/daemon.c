// daemon(): the parent leaves at once, the child goes on without a terminal, with threads that serve; its first process waits on
// a pipe until it has finished.
#include "oracle.h"

static void *serve(void *fd)
{
    char byte;
    MUST(recv(*(int *)fd, &byte, 1, 0) == 1);
    byte++;
    MUST(send(*(int *)fd, &byte, 1, 0) == 1);
    return NULL;
}

int main(void)
{
    begin();
    int ends[2];
    char byte = 'a';
    stream_pair(ends);
    finish(start(return_it, NULL));
    pid_t child = fork();
    if (child == 0) {
        alarm(15);
        MUST(daemon(1, 1) == 0);
        alarm(15);
        pthread_t first = start(serve, &ends[1]);
        finish(first);
        finish(start(serve, &ends[1]));
        _exit(0);
    }
    say_child("the one that called daemon", child);
    for (int i = 0; i < 2; i++) {
        MUST(send(ends[0], &byte, 1, 0) == 1);
        MUST(recv(ends[0], &byte, 1, 0) == 1);
        say("served: %c", byte);
    }
    MUST(close(ends[1]) == 0);
    say_call("the daemon leaves", recv(ends[0], &byte, 1, 0));
    return 0;
}
