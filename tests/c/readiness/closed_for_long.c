// A descriptor closed under a poller ends no wait, however long that lasts, until its file has something, or the time is up: then it is
// seen to be closed. Another descriptor of the same call that has been quiet all the time changes nothing.
#include "oracle.h"

enum { LONG_MS = 2600 };

static int ends[3][2], quiet[2];
static sem_t arrived;

static void *poller(void *timeout)
{
    struct pollfd items[2] = {{.fd = ends[0][0], .events = POLLIN}, {.fd = quiet[0], .events = POLLIN}};
    MUST(sem_post(&arrived) == 0);
    long long since = now_ns(CLOCK_MONOTONIC);
    int got = poll(items, 2, (int)(intptr_t)timeout);
    say_took("poll", since, LONG_MS);
    return (void *)(intptr_t)(got * 1000000 + items[0].revents * 1000 + items[1].revents);
}

static void *selecter(void *unused)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[1][0], &set);
    MUST(sem_post(&arrived) == 0);
    long long since = now_ns(CLOCK_MONOTONIC);
    int got = select(ends[1][0] + 1, &set, NULL, NULL, NULL);
    say_took("select", since, LONG_MS);
    return (void *)(intptr_t)(got == -1 ? errno : 1000 + !!FD_ISSET(ends[1][0], &set));
}

static long long fussy_since;

// Only the peer's end; data is none of its business.
static void *fussy(void *unused)
{
    struct pollfd item = {.fd = ends[2][0], .events = POLLRDHUP};
    MUST(sem_post(&arrived) == 0);
    fussy_since = now_ns(CLOCK_MONOTONIC);
    int got = poll(&item, 1, LONG_MS + 100);
    return (void *)(intptr_t)(got * 1000 + item.revents);
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    for (int i = 0; i < 3; i++)
        tcp_pair(ends[i]);
    stream_pair(quiet);
    pthread_t threads[3] = {start(poller, (void *)-1), start(selecter, NULL), start(fussy, NULL)};
    for (int i = 0; i < 3; i++)
        MUST(sem_wait(&arrived) == 0);
    settle();
    for (int i = 0; i < 3; i++)
        MUST(close(ends[i][0]) == 0);
    sleep_ms(20);
    MUST(send(ends[2][1], "dull", 4, 0) == 4);
    sleep_ms(LONG_MS);
    // One after the other, so that they speak in order.
    MUST(send(ends[0][1], "x", 1, 0) == 1);
    say("poller: %ld", (long)(intptr_t)finish(threads[0]));
    MUST(send(ends[1][1], "x", 1, 0) == 1);
    say("selecter: %ld", (long)(intptr_t)finish(threads[1]));
    long fussy_got = (long)(intptr_t)finish(threads[2]);
    say_took("fussy", fussy_since, LONG_MS);
    say("fussy: %ld", fussy_got);
    return 0;
}
