// A checked call that would overflow its buffer ends the process as libc does it, message included.
// cflags: -O2 -D_FORTIFY_SOURCE=2
// ends: signal 6
#include "oracle.h"

static void *body(void *size)
{
    char data[8];
    int ends[2];
    stream_pair(ends);
    MUST(send(ends[1], "0123456789abcdef", 16, 0) == 16);
    size_t length = *(volatile size_t *)size;
    say_call("fits", recv(ends[0], data, length - 8, 0));
    say("does not");
    say_call("never", recv(ends[0], data, length, 0));
    return NULL;
}

int main(void)
{
    begin();
    size_t size = 16;
    finish(start(body, &size));
    return 0;
}
