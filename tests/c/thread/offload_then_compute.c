// A thread whose call blocked in the kernel, and which computes afterwards, must not keep the others from running: it waits,
// without a call, for what a sleeping thread is to write.
#include "oracle.h"

static volatile int written;

static void *writer(void *unused)
{
    sleep_ms(50);
    written = 1;
    return unused;
}

static void *computer(void *unused)
{
    FILE *file = tmpfile();
    MUST(file != NULL);
    for (int i = 0; i < 3; i++)
        MUST(fsync(fileno(file)) == 0);
    while (!written)
        continue;
    fclose(file);
    return unused;
}

int main(void)
{
    begin();
    pthread_t first = start(writer, NULL);
    pthread_t second = start(computer, NULL);
    finish(second);
    finish(first);
    say("written: %d", written);
    return 0;
}
