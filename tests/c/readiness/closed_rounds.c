// A descriptor closed under several pollers while data is on its way to it: round after round, the file that they wait for
// ends every wait, also when its number is another file's by then.
#include "oracle.h"

enum { ROUNDS = 200, POLLERS = 3 };

static sem_t arrived;
static int number;
static int ended;

static void *poller(void *unused)
{
    struct pollfd item = {.fd = number, .events = POLLIN};
    MUST(sem_post(&arrived) == 0);
    // Either the data, or that the number is nobody's; what is there when it looks.
    __atomic_add_fetch(&ended, poll(&item, 1, -1) == 1, __ATOMIC_SEQ_CST);
    return unused;
}

static void *sender(void *fd)
{
    // A poller that came late has not held the file.
    (void)!send((int)(intptr_t)fd, "x", 1, MSG_NOSIGNAL);
    return NULL;
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    for (int round = 0; round < ROUNDS; round++) {
        int ends[2], other[2];
        pthread_t threads[POLLERS], sends;
        stream_pair(ends);
        number = ends[0];
        for (int i = 0; i < POLLERS; i++)
            threads[i] = start(poller, NULL);
        for (int i = 0; i < POLLERS; i++)
            MUST(sem_wait(&arrived) == 0);
        sleep_ms(round < 5 ? 50 : 10);
        sends = start(sender, (void *)(intptr_t)ends[1]);
        if (round % 2)
            sched_yield();
        stream_pair(other);
        if (round % 3) {
            MUST(close(number) == 0);
        } else {
            // It has something to read, so that who looks finds it ready.
            MUST(send(other[1], "y", 1, 0) == 1);
            MUST(dup2(other[0], number) == number);
        }
        finish(sends);
        for (int i = 0; i < POLLERS; i++)
            finish(threads[i]);
        if (round % 3 == 0)
            MUST(close(number) == 0);
        MUST(close(ends[1]) == 0 && close(other[0]) == 0 && close(other[1]) == 0);
    }
    say("%d waits ended", ended);
    return 0;
}
