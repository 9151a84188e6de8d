// A socket with one thread parked in recv and another parked in send at the same time: each is woken by its own direction.
#include "oracle.h"

static int ends[2];
static char block[1 << 16];
static sem_t arrived;

static void *reader(void *unused)
{
    char byte;
    MUST(sem_post(&arrived) == 0);
    MUST(recv(ends[0], &byte, 1, 0) == 1);
    say("the reader got %c", byte);
    return unused;
}

static void *writer(void *unused)
{
    MUST(sem_post(&arrived) == 0);
    for (int i = 0; i < 64; i++)
        MUST(send(ends[0], block, sizeof block, 0) == sizeof block);
    say("the writer is through");
    return unused;
}

static void drain(void)
{
    long total = 0;
    while (total < 64L * (long)sizeof block) {
        static char data[1 << 16];
        ssize_t got = recv(ends[1], data, sizeof data, 0);
        MUST(got > 0);
        total += got;
    }
}

static void run(bool reader_first)
{
    pthread_t first = start(reader_first ? reader : writer, NULL), second = start(reader_first ? writer : reader, NULL);
    MUST(sem_wait(&arrived) == 0 && sem_wait(&arrived) == 0);
    settle();
    if (reader_first) {
        MUST(send(ends[1], "r", 1, 0) == 1);
        finish(first);
        drain();
        finish(second);
    } else {
        drain();
        finish(first);
        MUST(send(ends[1], "w", 1, 0) == 1);
        finish(second);
    }
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    tcp_pair(ends);
    // Otherwise the kernel may hold all of it, and the writer does not wait.
    int room = sizeof block;
    MUST(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
    MUST(setsockopt(ends[1], SOL_SOCKET, SO_RCVBUF, &room, sizeof room) == 0);
    run(true);
    run(false);
    return 0;
}
