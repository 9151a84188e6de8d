// A connection closed in one direction still works in the other; a thread on each side, HTTP/1.0 style.
#include "oracle.h"

static int ends[2];

static void *server(void *unused)
{
    char request[100];
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[1], request + length, sizeof request - length)) > 0)
        length += (size_t)got;
    say("the request has %zu bytes", length);
    for (int i = 0; i < 5; i++) {
        sleep_ms(3);
        MUST(write(ends[1], "part", 4) == 4);
    }
    MUST(close(ends[1]) == 0);
    return unused;
}

int main(void)
{
    begin();
    char answer[100];
    size_t length = 0;
    ssize_t got;
    tcp_pair(ends);
    pthread_t thread = start(server, NULL);
    for (int i = 0; i < 5; i++) {
        MUST(write(ends[0], "GET ", 4) == 4);
        sleep_ms(2);
    }
    MUST(shutdown(ends[0], SHUT_WR) == 0);
    while ((got = read(ends[0], answer + length, sizeof answer - length)) > 0)
        length += (size_t)got;
    say("the answer has %zu bytes", length);
    finish(thread);
    return 0;
}
