// Writes of at most PIPE_BUF bytes arrive whole, however many threads write and wait for room.
#include "oracle.h"

enum { WRITERS = 8, EACH = 60 };

static int ends[2];

static void *writer(void *letter)
{
    char block[PIPE_BUF];
    memset(block, (int)(intptr_t)letter, sizeof block);
    for (int i = 0; i < EACH; i++)
        MUST(write(ends[1], block, i % 2 ? PIPE_BUF : 1000) == (i % 2 ? PIPE_BUF : 1000));
    return NULL;
}

// Half of the records are long, half short; a record begins with the letter it is full of, so runs can be counted.
static long count_letters(long counts[256])
{
    char data[1 << 16];
    long runs = 0, left = (long)WRITERS * EACH / 2 * (PIPE_BUF + 1000);
    int last = -1;
    while (left > 0) {
        ssize_t got = read(ends[0], data, sizeof data);
        MUST(got > 0);
        left -= got;
        for (ssize_t i = 0; i < got; i++) {
            unsigned char letter = (unsigned char)data[i];
            runs += letter != last;
            counts[letter]++;
            last = letter;
        }
    }
    return runs;
}

int main(void)
{
    begin();
    pthread_t threads[WRITERS];
    long counts[256] = {0};
    MUST(pipe(ends) == 0);
    for (intptr_t i = 0; i < WRITERS; i++)
        threads[i] = start(writer, (void *)('a' + i));
    settle();
    long runs = count_letters(counts);
    for (int i = 0; i < WRITERS; i++)
        finish(threads[i]);
    say("never torn: %d", runs <= WRITERS * EACH);
    for (int i = 0; i < WRITERS; i++)
        say("%c: %ld", 'a' + i, counts['a' + i]);
    return 0;
}
