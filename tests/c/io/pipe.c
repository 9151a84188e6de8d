// Pipes: a reader that waits, a writer that waits for room, the end of the data, and a writer without readers.
#include "oracle.h"

static int ends[2];

static void *write_slowly(void *unused)
{
    for (int i = 0; i < 5; i++) {
        sleep_ms(4);
        MUST(write(ends[1], "abcd", 4) == 4);
    }
    MUST(close(ends[1]) == 0);
    return unused;
}

static void *write_much(void *unused)
{
    static char block[1 << 20];
    memset(block, 'w', sizeof block);
    ssize_t written = write(ends[1], block, sizeof block);
    MUST(close(ends[1]) == 0);
    return (void *)(written == (ssize_t)sizeof block ? unused : block);
}

static void *write_to_nobody(void *unused)
{
    static char block[1 << 20];
    ssize_t written = write(ends[1], block, sizeof block);
    say("the parked writer moved a part: %d", written > 0 && written < (ssize_t)sizeof block);
    say_call("the next write", write(ends[1], block, 1));
    return unused;
}

int main(void)
{
    begin();
    char data[5000];
    ssize_t got;
    long total = 0;
    handle(SIGPIPE, SIG_IGN, 0);
    MUST(pipe(ends) == 0);
    pthread_t thread = start(write_slowly, NULL);
    while ((got = read(ends[0], data, sizeof data)) > 0)
        total += got;
    say("slowly: %ld, then %zd", total, got);
    finish(thread);
    MUST(close(ends[0]) == 0);

    MUST(pipe(ends) == 0);
    thread = start(write_much, NULL);
    sleep_ms(10);
    total = 0;
    while ((got = read(ends[0], data, sizeof data)) > 0)
        total += got;
    say("a megabyte: %ld, all in one write: %d", total, finish(thread) == NULL);
    MUST(close(ends[0]) == 0);

    MUST(pipe(ends) == 0);
    thread = start(write_to_nobody, NULL);
    settle();
    MUST(close(ends[0]) == 0);
    finish(thread);
    say_call("read the writing end", read(ends[1], data, 1));
    MUST(close(ends[1]) == 0);

    MUST(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
    say_call("empty and non-blocking", read(ends[0], data, 1));
    say_call("write the reading end", write(ends[0], data, 1));
    say_call("read nothing", read(ends[0], data, 0));
    return 0;
}
