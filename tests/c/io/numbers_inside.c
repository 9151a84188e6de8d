// Numbers that libc closes inside: pclose and freopen. What was known of the number is not true of the next file that gets it.
#include "oracle.h"

static char name[2][64];
static FILE *stream;
static int fd, numbers;

static void *read_one(void *unused)
{
    char byte = '-';
    ssize_t got = read(fd, &byte, 1);
    say_call("read", got);
    if (got == 1)
        say("got %c", byte);
    return unused;
}

static void *read_later(void *number)
{
    pthread_t thread = start(read_one, NULL);
    settle();
    MUST(write((int)(intptr_t)number, "x", 1) == 1);
    finish(thread);
    return NULL;
}

// A blocking pipe's number, read by its number, becomes that of a non-blocking named pipe.
static void after_pclose(void)
{
    stream = popen("sleep 0.05; printf y; cat >/dev/null", "r");
    MUST(stream);
    fd = numbers = fileno(stream);
    finish(start(read_one, NULL));
    say("pclose: %d", pclose(stream));
    fd = open(name[0], O_RDONLY | O_NONBLOCK);
    int writer = open(name[0], O_WRONLY);
    MUST(fd == numbers && writer >= 0);
    finish(start(read_one, NULL));
    MUST(close(writer) == 0 && close(fd) == 0);
}

static void after_freopen(void)
{
    int first = open(name[0], O_RDWR), second = open(name[1], O_RDWR);
    MUST(first >= 0 && second >= 0);
    stream = fopen(name[0], "r");
    fd = numbers = fileno(stream);
    read_later((void *)(intptr_t)first);
    MUST(freopen(name[1], "r", stream) == stream && fileno(stream) == numbers);
    read_later((void *)(intptr_t)second);
    MUST(fclose(stream) == 0 && close(first) == 0 && close(second) == 0);
}

int main(void)
{
    begin();
    for (int i = 0; i < 2; i++) {
        snprintf(name[i], sizeof name[i], "/tmp/greenlet-oracle-%d-%d.fifo", getpid(), i);
        MUST(fresh_fifo(name[i]));
    }
    finish(start(return_it, NULL));
    after_pclose();
    after_freopen();
    for (int i = 0; i < 2; i++)
        MUST(unlink(name[i]) == 0);
    return 0;
}
