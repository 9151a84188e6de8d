// select: sets in and out, the time that is left, exceptional conditions, wrong descriptors, the highest number.
#include "oracle.h"

#include <sys/resource.h>
#include <sys/select.h>

static int ends[2];

static void *write_later(void *unused)
{
    sleep_ms(20);
    MUST(write(ends[1], "x", 1) == 1);
    return unused;
}

static void *body(void *unused)
{
    fd_set in, out, except;
    struct timeval left = {.tv_usec = 40000}, wrong = {.tv_sec = -1};
    MUST(pipe(ends) == 0);
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    long long began = now_ns(CLOCK_MONOTONIC);
    say_call("time out", select(ends[0] + 1, &in, NULL, NULL, &left));
    say_took("  that", began, 40);
    say("left: %ld.%06ld, still set: %d", (long)left.tv_sec, (long)left.tv_usec, FD_ISSET(ends[0], &in) != 0);
    FD_SET(ends[0], &in);
    left.tv_sec = 10;
    pthread_t thread = start(write_later, NULL);
    say_call("data comes", select(ends[0] + 1, &in, NULL, NULL, &left));
    finish(thread);
    say("left, plausibly: %d, set: %d", left.tv_sec == 9 && left.tv_usec > 400000 && left.tv_usec <= 980000,
        FD_ISSET(ends[0], &in) != 0);
    FD_ZERO(&out);
    FD_ZERO(&except);
    FD_SET(ends[1], &out);
    FD_SET(ends[0], &except);
    say_call("three sets", select(ends[1] + 1, &in, &out, &except, NULL));
    say("set: %d %d %d", FD_ISSET(ends[0], &in) != 0, FD_ISSET(ends[1], &out) != 0, FD_ISSET(ends[0], &except) != 0);
    MUST(close(ends[1]) == 0);
    MUST(close(ends[0]) == 0);
    FD_SET(ends[0], &in);
    left = (struct timeval){0};
    say_call("closed", select(ends[0] + 1, &in, NULL, NULL, &left));
    say_call("negative time", select(0, NULL, NULL, NULL, &wrong));
    say_call("negative count", select(-1, NULL, NULL, NULL, &left));
    began = now_ns(CLOCK_MONOTONIC);
    left.tv_usec = 30000;
    say_call("as a sleep", select(0, NULL, NULL, NULL, &left));
    say_took("  that", began, 30);

    tcp_pair(ends);
    MUST(send(ends[1], "!", 1, MSG_OOB) == 1);
    sleep_ms(5);
    FD_ZERO(&except);
    FD_SET(ends[0], &except);
    left = (struct timeval){.tv_sec = 5};
    say_call("out of band", select(ends[0] + 1, NULL, NULL, &except, &left));
    say("set: %d", FD_ISSET(ends[0], &except) != 0);
    MUST(close(ends[0]) == 0 && close(ends[1]) == 0);

    // Beyond the waiting program's interest: bits at or above the count are neither looked at nor touched.
    MUST(pipe(ends) == 0);
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    FD_SET(500, &in);
    left = (struct timeval){0};
    say_call("bits above the count", select(ends[0] + 1, &in, NULL, NULL, &left));
    MUST(close(ends[0]) == 0 && close(ends[1]) == 0);
    return unused;
}

static void high_numbers(void)
{
    fd_set in;
    FD_ZERO(&in);
    MUST(pipe(ends) == 0);
    MUST(dup2(ends[0], 1000) == 1000);
    FD_SET(1000, &in);
    FD_SET(ends[0], &in);
    pthread_t thread = start(write_later, NULL);
    say_call("both, one of them high", select(1001, &in, NULL, NULL, NULL) > 0);
    finish(thread);
    say("set: %d", FD_ISSET(1000, &in) || FD_ISSET(ends[0], &in));
}

int main(void)
{
    begin();
    body(NULL);
    say("in a thread:");
    finish(start(body, NULL));
    high_numbers();
    return 0;
}
