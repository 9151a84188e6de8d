// A descriptor closed, or another file put at its number, while a thread polls it: the old file still ends the wait, but poll
// looks the number up again whenever it wakes, so it then tells of what is there now.
#include "oracle.h"

static int ends[2];
static sem_t arrived;

static void *poller(void *timeout)
{
    struct pollfd item = {.fd = ends[0], .events = POLLIN};
    MUST(sem_post(&arrived) == 0);
    int got = poll(&item, 1, (int)(intptr_t)timeout);
    say("poll: %d, %x", got, (unsigned)item.revents);
    return NULL;
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    stream_pair(ends);
    pthread_t thread = start(poller, (void *)10000);
    MUST(sem_wait(&arrived) == 0);
    settle();
    MUST(close(ends[0]) == 0);
    sleep_ms(20);
    MUST(write(ends[1], "x", 1) == 1);
    finish(thread);
    MUST(close(ends[1]) == 0);

    stream_pair(ends);
    thread = start(poller, (void *)150);
    MUST(sem_wait(&arrived) == 0);
    settle();
    int other[2];
    stream_pair(other);
    MUST(dup2(other[0], ends[0]) == ends[0]);
    MUST(write(other[1], "y", 1) == 1);
    finish(thread);
    return 0;
}
