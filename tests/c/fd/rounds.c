// close and dup2 under readers, the number used again at once, while data is on its way: round after round, every byte goes to
// a reader of its own file.
#include "oracle.h"

enum { ROUNDS = 200, READERS = 3 };

static sem_t arrived;
static int number;
static int of_the_old, wrong;

static void *reader(void *unused)
{
    char byte = 0;
    MUST(sem_post(&arrived) == 0);
    ssize_t got = recv(number, &byte, 1, 0);
    __atomic_add_fetch(&of_the_old, got == 1 && byte == 'o', __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&wrong, got != 1 || byte != 'o', __ATOMIC_SEQ_CST);
    return unused;
}

static void *sender(void *fd)
{
    for (int i = 0; i < READERS; i++) {
        if (i == 1)
            sched_yield();
        MUST(send((int)(intptr_t)fd, "o", 1, 0) == 1);
    }
    return NULL;
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    int ends_seen = 0, left_alone = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int ends[2], other[2];
        pthread_t threads[READERS], sends;
        char data[8];
        if (round % 2)
            stream_pair(ends);
        else
            tcp_pair(ends);
        number = ends[0];
        for (int i = 0; i < READERS; i++)
            threads[i] = start(reader, NULL);
        for (int i = 0; i < READERS; i++)
            MUST(sem_wait(&arrived) == 0);
        // They are surely blocked: natively, too, a call that has not begun is nobody's. A few rounds at full length are enough.
        sleep_ms(round < 5 ? 50 : 12);
        sends = start(sender, (void *)(intptr_t)ends[1]);
        if (round % 4 < 2)
            sched_yield();
        stream_pair(other);
        if (round % 3)
            MUST(close(number) == 0);
        MUST(dup2(other[0], number) == number);
        MUST(close(other[0]) == 0);
        MUST(send(other[1], "nnn", 3, 0) == 3);
        finish(sends);
        for (int i = 0; i < READERS; i++)
            finish(threads[i]);
        left_alone += recv(number, data, sizeof data, MSG_DONTWAIT) == 3;
        struct pollfd item = {.fd = ends[1], .events = POLLRDHUP};
        ends_seen += poll(&item, 1, 1000) == 1;
        MUST(close(ends[1]) == 0 && close(number) == 0 && close(other[1]) == 0);
    }
    say("%d of the old file, %d wrong, %d left alone, %d ends seen", of_the_old, wrong, left_alone, ends_seen);
    return 0;
}
