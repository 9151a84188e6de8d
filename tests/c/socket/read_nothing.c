// A read of no bytes from a socket that is known to hold none returns at once; recv of no bytes waits for some.
#include "oracle.h"

#include <sys/uio.h>

static int ends[2];

// Short answers, for each of which the reader has waited: by then its socket is known to be empty after one.
static void *writer(void *unused)
{
    for (int i = 0; i < 4; i++) {
        settle();
        MUST(write(ends[1], "hello", 5) == 5);
    }
    settle();
    say("the writer writes");
    MUST(write(ends[1], "x", 1) == 1);
    return unused;
}

static void *reader(void *unused)
{
    char data[100];
    struct iovec nothing = {data, 0};
    for (int i = 0; i < 4; i++)
        MUST(read(ends[0], data, sizeof data) == 5);
    say_call("read", read(ends[0], data, 0));
    say_call("readv", readv(ends[0], &nothing, 1));
    say_call("recv", recv(ends[0], data, 0, 0));
    say_call("read", read(ends[0], data, sizeof data));
    return unused;
}

int main(void)
{
    begin();
    tcp_pair(ends);
    pthread_t one = start(reader, NULL), other = start(writer, NULL);
    finish(one);
    finish(other);
    return 0;
}
