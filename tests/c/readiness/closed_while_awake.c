// A descriptor closed under pollers that are awake just then, because another one that they wait for has had something for a moment:
// the closed one's file still ends the wait, or the close does. None sleeps on.
#include "oracle.h"

enum { ROUNDS = 300, POLLERS = 3 };

static sem_t arrived;
static int number, busy[2];
static int ended;

static void *poller(void *way)
{
    MUST(sem_post(&arrived) == 0);
    // The busy one's byte may be gone by the time it is looked at, or be there: then again, until the number is closed.
    for (bool closed = false; !closed;) {
        if (way) {
            fd_set set;
            FD_ZERO(&set);
            FD_SET(number, &set);
            FD_SET(busy[0], &set);
            int high = number > busy[0] ? number : busy[0];
            int got = select(high + 1, &set, NULL, NULL, NULL);
            closed = got == -1 ? errno == EBADF : FD_ISSET(number, &set);
        } else {
            struct pollfd items[2] = {{.fd = number, .events = POLLIN}, {.fd = busy[0], .events = POLLIN}};
            MUST(poll(items, 2, -1) >= 1);
            closed = items[0].revents != 0;
        }
    }
    __atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void spin(int turns)
{
    for (volatile int i = 0; i < turns; i++)
        ;
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    stream_pair(busy);
    for (int round = 0; round < ROUNDS; round++) {
        int ends[2];
        char byte;
        pthread_t threads[POLLERS];
        stream_pair(ends);
        number = ends[0];
        for (int i = 0; i < POLLERS; i++)
            threads[i] = start(poller, (void *)(intptr_t)(i % 2));
        for (int i = 0; i < POLLERS; i++)
            MUST(sem_wait(&arrived) == 0);
        for (int i = 0; i < 20; i++) {
            MUST(send(busy[1], "n", 1, 0) == 1);
            spin(rand() % 4000);
            MUST(recv(busy[0], &byte, 1, 0) == 1);
        }
        spin(rand() % 8000);
        MUST(close(number) == 0);
        sleep_ms(1);
        (void)!send(ends[1], "x", 1, MSG_NOSIGNAL);
        for (int i = 0; i < POLLERS; i++)
            finish(threads[i]);
        MUST(close(ends[1]) == 0);
    }
    say("%d waits ended", ended);
    return 0;
}
