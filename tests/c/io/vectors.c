// readv, writev, preadv, pwritev: several pieces a call, on pipes that wait and on files that do not.
#include "oracle.h"

#include <sys/uio.h>

static int ends[2];

static void *writer(void *unused)
{
    struct iovec parts[3] = {{"one ", 4}, {"two ", 4}, {"three", 5}};
    sleep_ms(10);
    MUST(writev(ends[1], parts, 3) == 13);
    sleep_ms(10);
    MUST(writev(ends[1], parts, 1) == 4);
    MUST(close(ends[1]) == 0);
    return unused;
}

int main(void)
{
    begin();
    char first[5] = "", second[20] = "";
    struct iovec parts[2] = {{first, 4}, {second, 10}};
    MUST(pipe(ends) == 0);
    pthread_t thread = start(writer, NULL);
    say_call("readv", readv(ends[0], parts, 2));
    say("it was '%s' and '%s'", first, second);
    say_call("readv gets what is there", readv(ends[0], parts, 2));
    say_call("readv at the end", readv(ends[0], parts, 2));
    finish(thread);

    int file = memfd_create("vectors", 0);
    MUST(file >= 0);
    struct iovec words[2] = {{"hello ", 6}, {"world", 5}};
    say_call("writev, a file", writev(file, words, 2));
    memset(second, 0, sizeof second);
    say_call("preadv", preadv(file, parts, 2, 2));
    say("it was '%s' and '%s'", first, second);
    say_call("pwritev", pwritev(file, words + 1, 1, 0));
    say_call("pread", pread(file, first, 4, 0));
    say("it was '%s'", first);
    say_call("preadv2, no flags", preadv2(file, parts, 1, -1, 0));
    say_call("pread of a pipe", pread(ends[0], first, 1, 0));
    return 0;
}
