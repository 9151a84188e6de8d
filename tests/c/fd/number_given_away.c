// dup2, dup3 and fclose under a blocked reader: the number is another file's, or nobody's, and the reader goes on with its own.
#include "oracle.h"

static sem_t arrived;

static void *reader(void *fd)
{
    char data[32];
    MUST(sem_post(&arrived) == 0);
    ssize_t got = recv((int)(intptr_t)fd, data, sizeof data, 0);
    say("the reader got %zd: %.*s", got, (int)(got > 0 ? got : 0), data);
    return NULL;
}

static void run(const char *how)
{
    int ends[2], other[2], got = -1;
    char data[32];
    stream_pair(ends);
    stream_pair(other);
    FILE *stream = strcmp(how, "fclose") == 0 ? fdopen(ends[0], "r+") : NULL;
    pthread_t thread = start(reader, (void *)(intptr_t)ends[0]);
    MUST(sem_wait(&arrived) == 0);
    settle();
    if (stream)
        say_call(how, fclose(stream));
    else if (strcmp(how, "dup2") == 0)
        got = dup2(other[0], ends[0]);
    else
        got = dup3(other[0], ends[0], O_CLOEXEC);
    MUST(send(other[1], "for another", 11, 0) == 11);
    if (!stream) {
        say("%s: %d", how, got == ends[0]);
        say("close-on-exec: %d", fcntl(ends[0], F_GETFD));
        say_call("what the number has", recv(ends[0], data, sizeof data, MSG_PEEK));
    }
    MUST(send(ends[1], "for it", 6, 0) == 6);
    finish(thread);
    say_call("the end", send(ends[1], "x", 1, MSG_NOSIGNAL));
    say_call("the other's data", recv(other[0], data, sizeof data, 0));
    MUST(close(ends[1]) == 0 && close(other[0]) == 0 && close(other[1]) == 0);
    if (!stream)
        MUST(close(ends[0]) == 0);
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    run("dup2");
    run("dup3");
    run("fclose");
    // One that fails leaves everything as it was.
    int ends[2];
    stream_pair(ends);
    pthread_t thread = start(reader, (void *)(intptr_t)ends[0]);
    MUST(sem_wait(&arrived) == 0);
    settle();
    say_call("dup2 of nothing", dup2(900, ends[0]));
    MUST(send(ends[1], "still", 5, 0) == 5);
    finish(thread);
    MUST(send(ends[1], "there", 5, 0) == 5);
    char data[8];
    say_call("the number still reads", recv(ends[0], data, sizeof data, 0));
    return 0;
}
