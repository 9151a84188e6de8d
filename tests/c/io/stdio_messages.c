// A stream on a socket that has messages: fread of more than the stream's buffer gets a long message whole.
#include "oracle.h"

enum { LONG = 8192 };

static char block[LONG];
static int ends[2];

static void *writer(void *unused)
{
    settle();
    MUST(send(ends[1], block, LONG, 0) == LONG);
    settle();
    MUST(send(ends[1], "another\n", 8, 0) == 8);
    return unused;
}

static void *reader(void *unused)
{
    FILE *in = fdopen(ends[0], "r");
    char line[20];
    MUST(in);
    say("fread: %zu", fread(block, 1, LONG, in));
    say("fgets: %s", fgets(line, sizeof line, in) ? "a line" : "nothing");
    MUST(fclose(in) == 0);
    return unused;
}

static void try(int kind)
{
    MUST(socketpair(AF_UNIX, kind, 0, ends) == 0);
    pthread_t one = start(reader, NULL), other = start(writer, NULL);
    finish(one);
    finish(other);
}

int main(void)
{
    begin();
    try(SOCK_DGRAM);
    try(SOCK_SEQPACKET);
    return 0;
}
