// accept of what does not listen fails at once, whether or not there is something to read.
#include "oracle.h"

#include <sys/eventfd.h>

static void *body(void *unused)
{
    int pair[2], ends[2], local[2];
    MUST(pipe(pair) == 0);
    tcp_pair(ends);
    stream_pair(local);
    say_call("a pipe", accept(pair[0], NULL, NULL));
    say_call("an eventfd", accept(eventfd(0, 0), NULL, NULL));
    say_call("a connection", accept(ends[0], NULL, NULL));
    say_call("a local connection", accept4(local[0], NULL, NULL, SOCK_CLOEXEC));
    say_call("datagrams", accept(socket(AF_INET, SOCK_DGRAM, 0), NULL, NULL));
    say_call("what is not connected", accept(socket(AF_INET, SOCK_STREAM, 0), NULL, NULL));
    say_call("nothing", accept(-1, NULL, NULL));
    MUST(send(ends[1], "x", 1, 0) == 1);
    settle();
    say_call("a connection with data", accept(ends[0], NULL, NULL));
    return unused;
}

int main(void)
{
    begin();
    finish(start(body, NULL));
    return 0;
}
