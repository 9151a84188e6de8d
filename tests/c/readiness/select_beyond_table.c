// select with more numbers than there are descriptors, as getdtablesize() says them, and sets of the usual size: what stands
// behind the sets is neither read nor written.
#include "oracle.h"

#include <sys/select.h>

enum { BEYOND = 1 << 17 };

static struct {
    fd_set set;
    unsigned char behind[BEYOND / 8];
} all;

static int ends[2];

static void fill(void)
{
    FD_ZERO(&all.set);
    FD_SET(ends[0], &all.set);
    memset(all.behind, 0xaa, sizeof all.behind);
}

static void say_behind(const char *what)
{
    size_t other = 0;
    for (size_t i = 0; i < sizeof all.behind; i++)
        other += all.behind[i] != 0xaa;
    say("%s: %zu bytes changed", what, other);
}

static void *body(void *unused)
{
    struct timeval span = {0, 20000};
    fill();
    say_call("nothing", select(BEYOND, &all.set, NULL, NULL, &span));
    say_behind("nothing");
    fill();
    pthread_t other = start(write_to, (void *)(intptr_t)ends[1]);
    say_call("something", select(BEYOND, &all.set, NULL, NULL, NULL));
    say("it is %s", FD_ISSET(ends[0], &all.set) ? "ready" : "not ready");
    say_behind("something");
    finish(other);
    return unused;
}

int main(void)
{
    begin();
    stream_pair(ends);
    finish(start(body, NULL));
    return 0;
}
