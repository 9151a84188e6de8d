// Writing to a peer that has gone: EPIPE when SIGPIPE is ignored or waived, ECONNRESET on reading, for a parked writer too.
#include "oracle.h"

static int ends[2];
static volatile sig_atomic_t pipes;
static sem_t arrived;

static void on_pipe(int unused)
{
    (void)unused;
    pipes++;
}

static void *writer(void *unused)
{
    static char block[1 << 16];
    MUST(sem_post(&arrived) == 0);
    while (write(ends[0], block, sizeof block) > 0) {
    }
    say("a parked writer: %s, signals %d", error_name(errno), (int)pipes);
    return unused;
}

int main(void)
{
    begin();
    char byte;
    MUST(sem_init(&arrived, 0, 0) == 0);
    finish(start(return_it, NULL));
    handle(SIGPIPE, SIG_IGN, 0);
    stream_pair(ends);
    MUST(close(ends[1]) == 0);
    say_call("write, ignored", write(ends[0], "x", 1));
    say_call("read", read(ends[0], &byte, 1));
    handle(SIGPIPE, on_pipe, 0);
    say_call("send, waived", send(ends[0], "x", 1, MSG_NOSIGNAL));
    say("signals %d", (int)pipes);
    say_call("send", send(ends[0], "x", 1, 0));
    say("signals %d", (int)pipes);
    MUST(close(ends[0]) == 0);

    pipes = 0;
    stream_pair(ends);
    pthread_t thread = start(writer, NULL);
    MUST(sem_wait(&arrived) == 0);
    settle();
    MUST(close(ends[1]) == 0);
    finish(thread);

    struct linger abort_it = {.l_onoff = 1, .l_linger = 0};
    tcp_pair(ends);
    MUST(setsockopt(ends[1], SOL_SOCKET, SO_LINGER, &abort_it, sizeof abort_it) == 0);
    MUST(close(ends[1]) == 0);
    say_call("recv after a reset", recv(ends[0], &byte, 1, 0));
    say_call("recv again", recv(ends[0], &byte, 1, 0));
    say_call("send", send(ends[0], "x", 1, MSG_NOSIGNAL));
    return 0;
}
