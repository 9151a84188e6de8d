// eventfd: counting, semaphore mode, a reader that waits, a writer that waits because the counter is full.
#include "oracle.h"

#include <sys/eventfd.h>

static int fd;

static void *reader(void *unused)
{
    uint64_t value = 0;
    MUST(read(fd, &value, sizeof value) == sizeof value);
    say("read %llu", (unsigned long long)value);
    return unused;
}

static void *writer(void *unused)
{
    uint64_t much = UINT64_MAX - 1;
    MUST(write(fd, &much, sizeof much) == sizeof much);
    return unused;
}

int main(void)
{
    begin();
    uint64_t value = 5, small = 0;
    fd = eventfd(0, 0);
    pthread_t thread = start(reader, NULL);
    sleep_ms(10);
    MUST(write(fd, &value, sizeof value) == sizeof value);
    finish(thread);
    MUST(write(fd, &value, sizeof value) == sizeof value);
    MUST(write(fd, &value, sizeof value) == sizeof value);
    reader(NULL);

    MUST(write(fd, &value, sizeof value) == sizeof value);
    thread = start(writer, NULL);
    sleep_ms(10);
    say("the writer waits");
    reader(NULL);
    finish(thread);
    reader(NULL);
    say_call("too short", read(fd, &small, 4));
    value = UINT64_MAX;
    say_call("too large", write(fd, &value, sizeof value));
    MUST(close(fd) == 0);

    fd = eventfd(3, EFD_SEMAPHORE | EFD_CLOEXEC);
    pthread_t threads[5];
    for (int i = 0; i < 5; i++)
        threads[i] = start(reader, NULL);
    sleep_ms(10);
    value = 2;
    MUST(write(fd, &value, sizeof value) == sizeof value);
    for (int i = 0; i < 5; i++)
        finish(threads[i]);
    MUST(close(fd) == 0);
    fd = eventfd(0, EFD_NONBLOCK);
    say_call("empty and non-blocking", read(fd, &value, sizeof value));
    return 0;
}
