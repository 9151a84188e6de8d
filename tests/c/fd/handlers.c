// A handler in a reader whose number has been closed. The call ends there: it fails with EINTR, or is begun again with a number
// that is nobody's, or another file's. A handler that jumps out leaves nothing behind.
#include "oracle.h"
#include <setjmp.h>

static sem_t arrived;
static int number;
static int jumps;
static sigjmp_buf out;

static void handler(int signal_number)
{
    (void)signal_number;
    if (jumps)
        siglongjmp(out, 1);
}

static void *reader(void *unused)
{
    char data[8];
    if (sigsetjmp(out, 1) == 0) {
        MUST(sem_post(&arrived) == 0);
        say_call("the reader", recv(number, data, sizeof data, 0));
    } else {
        say("jumped out");
    }
    return unused;
}

static void say_peer(int fd, int wait_ms)
{
    struct pollfd item = {.fd = fd, .events = POLLRDHUP};
    say("the peer sees the end: %d", poll(&item, 1, wait_ms));
}

enum { BEFORE = 1, AFTER = 2, AGAIN = 4 };

static void run(const char *what, int flags, int order)
{
    int ends[2], other[2];
    say("%s", what);
    stream_pair(ends);
    number = ends[0];
    handle(SIGUSR1, handler, flags);
    pthread_t thread = start(reader, NULL);
    MUST(sem_wait(&arrived) == 0);
    settle();
    if (order & BEFORE) {
        MUST(pthread_kill(thread, SIGUSR1) == 0);
        settle();
    }
    MUST(close(number) == 0);
    if (order & AGAIN) {
        stream_pair(other);
        MUST(other[0] == number);
        MUST(send(other[1], "four", 4, 0) == 4);
    }
    if (order & AFTER)
        MUST(pthread_kill(thread, SIGUSR1) == 0);
    finish(thread);
    say_peer(ends[1], 1000);
    MUST(close(ends[1]) == 0);
    if (order & AGAIN)
        MUST(close(other[0]) == 0 && close(other[1]) == 0);
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    run("EINTR", 0, AFTER);
    run("EINTR, used again", 0, AFTER | AGAIN);
    run("restarted", SA_RESTART, AFTER);
    run("restarted, used again", SA_RESTART, AFTER | AGAIN);
    jumps = 1;
    run("jump, then close", 0, BEFORE);
    run("close, then jump", 0, AFTER);
    run("close, then jump, used again", SA_RESTART, AFTER | AGAIN);
    return 0;
}
