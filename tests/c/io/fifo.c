// A named pipe: opening one end waits for the other, in threads of one process too.
#include "oracle.h"

static char name[64];

static void *open_for_writing(void *unused)
{
    int fd = open(name, O_WRONLY);
    MUST(fd >= 0);
    MUST(write(fd, "through", 7) == 7);
    MUST(close(fd) == 0);
    return unused;
}

static void *open_for_reading(void *unused)
{
    char data[20] = "";
    int fd = open(name, O_RDONLY);
    MUST(fd >= 0);
    MUST(read(fd, data, sizeof data) == 7);
    say("got %s", data);
    say_call("then", read(fd, data, sizeof data));
    MUST(close(fd) == 0);
    return unused;
}

static void *stdio_reader(void *unused)
{
    char line[20] = "";
    FILE *file = fopen(name, "r");
    MUST(file && fgets(line, sizeof line, file));
    say("by stdio: %s", line);
    MUST(fclose(file) == 0);
    return unused;
}

static void *open_and_leave(void *unused)
{
    int fd = open(name, O_WRONLY);
    MUST(fd >= 0);
    settle();
    MUST(close(fd) == 0);
    return unused;
}

static void *read_the_end(void *unused)
{
    char byte;
    int fd = open(name, O_RDONLY);
    MUST(fd >= 0);
    say_call("parked when the writer goes", read(fd, &byte, 1));
    MUST(close(fd) == 0);
    return unused;
}

int main(void)
{
    begin();
    snprintf(name, sizeof name, "/tmp/greenlet-oracle-%d.fifo", getpid());
    MUST(fresh_fifo(name));
    void *(*readers[])(void *) = {open_for_reading, stdio_reader};
    for (int i = 0; i < 2; i++) {
        pthread_t first = start(readers[i], NULL);
        settle();
        pthread_t second = start(open_for_writing, NULL);
        finish(first);
        finish(second);
    }
    pthread_t first = start(open_for_writing, NULL);
    settle();
    finish(start(open_for_reading, NULL));
    finish(first);
    first = start(read_the_end, NULL);
    finish(start(open_and_leave, NULL));
    finish(first);
    say_call("non-blocking, no reader", open(name, O_WRONLY | O_NONBLOCK));
    MUST(unlink(name) == 0);
    return 0;
}
