// Duplicates share a description: a wait on one is ended by data taken or sent through another; each closes by itself.
#include "oracle.h"

static sem_t arrived;

static void *reader(void *fd)
{
    char byte = 0;
    MUST(sem_post(&arrived) == 0);
    MUST(recv(*(int *)fd, &byte, 1, 0) == 1);
    return (void *)(intptr_t)byte;
}

int main(void)
{
    begin();
    int ends[2], copy, at;
    MUST(sem_init(&arrived, 0, 0) == 0);
    stream_pair(ends);
    copy = dup(ends[0]);
    at = fcntl(ends[0], F_DUPFD_CLOEXEC, 200);
    say("at least 200: %d, close-on-exec %d", at >= 200, fcntl(at, F_GETFD));
    say_call("dup2", dup2(ends[0], 300));
    say_call("dup2 to itself", dup2(300, 300));
    say_call("dup3 to itself", dup3(300, 300, 0));
    say_call("dup3", dup3(ends[0], 301, O_CLOEXEC));
    say_call("dup of nothing", dup(299));
    int four[4] = {ends[0], copy, at, 300};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        threads[i] = start(reader, &four[i]);
        MUST(sem_wait(&arrived) == 0);
    }
    settle();
    MUST(send(ends[1], "\1\2\3\4", 4, 0) == 4);
    int sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (int)(intptr_t)finish(threads[i]);
    say("sum of what they got: %d", sum);
    MUST(close(ends[0]) == 0 && close(copy) == 0 && close(at) == 0 && close(300) == 0);
    pthread_t thread = start(reader, &(int){301});
    MUST(sem_wait(&arrived) == 0);
    sleep_ms(10);
    MUST(send(ends[1], "\7", 1, 0) == 1);
    say("the last one still reads: %ld", (long)(intptr_t)finish(thread));
    MUST(close(301) == 0);
    say_call("all closed", send(ends[1], "x", 1, MSG_NOSIGNAL));
    return 0;
}
