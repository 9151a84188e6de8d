// A thread that blocks SIGPIPE and writes where nobody reads has the signal pending, and no other thread gets it.
#include "oracle.h"

static sem_t turn, done;

static void *writer(void *kind)
{
    int ends[2], sockets[2];
    sigset_t set, pending;
    struct timespec none = {0};
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    MUST(pipe(ends) == 0 && close(ends[0]) == 0);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0 && close(sockets[1]) == 0);
    for (int i = 0; i < 5; i++) {
        switch ((intptr_t)kind) {
        case 0: say_call("write", write(ends[1], "x", 1)); break;
        case 1: say_call("send", send(sockets[0], "x", 1, 0)); break;
        case 2: say_call("send, not waiting", send(sockets[0], "x", 1, MSG_DONTWAIT)); break;
        case 3: say_call("dprintf", dprintf(ends[1], "x")); break;
        }
        MUST(sem_post(&turn) == 0);
        MUST(sem_wait(&done) == 0);
        usleep(500);
        MUST(sigpending(&pending) == 0);
        say("pending: %d", sigismember(&pending, SIGPIPE));
        say_call("taken", sigtimedwait(&set, NULL, &none));
        say_call("no more", sigtimedwait(&set, NULL, &none));
    }
    say_call("not asked for", send(sockets[0], "x", 1, MSG_NOSIGNAL));
    MUST(sigpending(&pending) == 0);
    say("pending: %d", sigismember(&pending, SIGPIPE));
    MUST(close(ends[1]) == 0 && close(sockets[0]) == 0);
    return NULL;
}

static void *other(void *unused)
{
    for (int i = 0; i < 20; i++) {
        MUST(sem_wait(&turn) == 0);
        for (int j = 0; j < 20; j++)
            sched_yield();
        MUST(sem_post(&done) == 0);
    }
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&turn, 0, 0) == 0 && sem_init(&done, 0, 0) == 0);
    pthread_t thread = start(other, NULL);
    for (intptr_t kind = 0; kind < 4; kind++)
        finish(start(writer, (void *)kind));
    finish(thread);
    say("alive");
    return 0;
}
