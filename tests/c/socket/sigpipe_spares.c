// SIGPIPE is left as it is, and the peer resets the connection in the middle of a blocked send: a program that stops at the first
// error lives, because that is ECONNRESET, without the signal.
#include "oracle.h"

#include <sys/ioctl.h>

static int ends[2];

static void *sender(void *unused)
{
    static char block[1 << 20];
    while (send(ends[0], block, sizeof block, 0) > 0) {
    }
    say_call("the last", -1);
    return unused;
}

int main(void)
{
    begin();
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int full = 0, before;
    signal(SIGPIPE, SIG_DFL);
    tcp_pair(ends);
    pthread_t thread = start(sender, NULL);
    do {
        before = full;
        sleep_ms(100);
        MUST(ioctl(ends[1], FIONREAD, &full) == 0);
    } while (full == 0 || full != before);
    MUST(setsockopt(ends[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    MUST(close(ends[1]) == 0);
    finish(thread);
    return 0;
}
