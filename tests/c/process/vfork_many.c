// Two hundred vfork children of two threads while others serve sockets: every request is answered and every child found.
#include "oracle.h"

enum { CLIENTS = 6 };

static int pairs[CLIENTS][2];
static bool stop;
static int wrong;

static void *server(void *number)
{
    char text[16];
    int fd = pairs[(intptr_t)number][0];
    for (ssize_t got; (got = recv(fd, text, sizeof text, 0)) > 0;)
        MUST(send(fd, text, (size_t)got, 0) == got);
    return NULL;
}

static void *client(void *number)
{
    int fd = pairs[(intptr_t)number][1];
    long asked = 0;
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        char sent[16], got[16];
        memset(sent, (int)('a' + asked++ % 26), sizeof sent);
        MUST(send(fd, sent, sizeof sent, 0) == (ssize_t)sizeof sent);
        MUST(recv(fd, got, sizeof got, MSG_WAITALL) == (ssize_t)sizeof got);
        if (memcmp(sent, got, sizeof sent) != 0)
            __atomic_add_fetch(&wrong, 1, __ATOMIC_SEQ_CST);
        usleep(300);
    }
    MUST(shutdown(fd, SHUT_WR) == 0);
    return (void *)(intptr_t)(asked > 20);
}

static void *forker(void *unused)
{
    for (int i = 0; i < 100; i++) {
        volatile int written = -1;
        pid_t child = vfork();
        MUST(child >= 0);
        if (child == 0) {
            written = i;
            for (int fd = 3; fd < 40; fd++)
                close(fd);
            if (i % 10 == 0)
                execl("/bin/true", "true", (char *)NULL);
            _exit(0);
        }
        int status;
        MUST(waitpid(child, &status, 0) == child);
        if (status != 0 || written != i)
            __atomic_add_fetch(&wrong, 1, __ATOMIC_SEQ_CST);
    }
    return unused;
}

int main(void)
{
    begin();
    pthread_t servers[CLIENTS], clients[CLIENTS];
    for (intptr_t i = 0; i < CLIENTS; i++) {
        if (i % 2)
            tcp_pair(pairs[i]);
        else
            stream_pair(pairs[i]);
        servers[i] = start(server, (void *)i);
        clients[i] = start(client, (void *)i);
    }
    pthread_t other = start(forker, NULL);
    forker(NULL);
    finish(other);
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    int busy = 0;
    for (int i = 0; i < CLIENTS; i++) {
        busy += finish(clients[i]) != NULL;
        finish(servers[i]);
    }
    say("wrong: %d, clients that were served meanwhile: %d", wrong, busy);
    return 0;
}
