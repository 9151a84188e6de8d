// Several threads read one socket, several write it: every byte is delivered once and nobody is forgotten.
#include "oracle.h"

enum { SIDE = 6, EACH = 500 };

static int ends[2];
static int counts[256];

static void *reader(void *unused)
{
    unsigned char byte;
    while (recv(ends[0], &byte, 1, 0) == 1)
        __atomic_add_fetch(&counts[byte], 1, __ATOMIC_SEQ_CST);
    return unused;
}

static void *writer(void *byte)
{
    unsigned char value = (unsigned char)(intptr_t)byte;
    for (int i = 0; i < EACH; i++) {
        MUST(send(ends[1], &value, 1, 0) == 1);
        if (i % 100 == 0)
            sleep_ms(1);
    }
    return NULL;
}

static void run(const char *name)
{
    pthread_t readers[SIDE], writers[SIDE];
    memset(counts, 0, sizeof counts);
    for (intptr_t i = 0; i < SIDE; i++) {
        readers[i] = start(reader, NULL);
        writers[i] = start(writer, (void *)i);
    }
    for (int i = 0; i < SIDE; i++)
        finish(writers[i]);
    MUST(close(ends[1]) == 0);
    for (int i = 0; i < SIDE; i++)
        finish(readers[i]);
    MUST(close(ends[0]) == 0);
    for (int i = 0; i < SIDE; i++)
        say("%s: byte %d came %d times", name, i, counts[i]);
}

int main(void)
{
    begin();
    tcp_pair(ends);
    run("TCP");
    stream_pair(ends);
    run("Unix");
    return 0;
}
