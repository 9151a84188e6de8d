// A child forked while a reader waits whose number has been closed: the child has nothing of that file, so it ends with the
// reader's call. And a child that closes its own copy of a number does not disturb the parent's reader.
#include "oracle.h"

static sem_t arrived;
static int number;

static void *reader(void *unused)
{
    char data[8];
    MUST(sem_post(&arrived) == 0);
    say_call("the reader", recv(number, data, sizeof data, 0));
    return unused;
}

static void *close_it(void *unused)
{
    MUST(close(number) == 0);
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    int ends[2], gate[2];
    stream_pair(ends);
    number = ends[0];
    pthread_t thread = start(reader, NULL);
    MUST(sem_wait(&arrived) == 0);
    settle();
    MUST(close(number) == 0);
    MUST(pipe(gate) == 0);
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        begin();
        char byte;
        MUST(close(gate[1]) == 0 && close(ends[1]) == 0);
        _exit(read(gate[0], &byte, 1) == 0 ? 3 : 4);
    }
    MUST(send(ends[1], "data", 4, 0) == 4);
    finish(thread);
    struct pollfd item = {.fd = ends[1], .events = POLLRDHUP};
    say("the peer sees the end: %d", poll(&item, 1, 1000));
    MUST(close(gate[1]) == 0);
    say_child("the child", child);
    MUST(close(gate[0]) == 0 && close(ends[1]) == 0);

    stream_pair(ends);
    number = ends[0];
    thread = start(reader, NULL);
    MUST(sem_wait(&arrived) == 0);
    settle();
    child = fork();
    MUST(child >= 0);
    if (child == 0) {
        begin();
        finish(start(close_it, NULL));
        _exit(5);
    }
    say_child("the child", child);
    MUST(send(ends[1], "more data", 8, 0) == 8);
    finish(thread);
    say_call("the number is still there", close(number));
    return 0;
}
