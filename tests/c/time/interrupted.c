// A signal ends a sleep and tells what is left; clock_nanosleep on an absolute time writes nothing; sleep returns seconds.
#include "oracle.h"

static volatile sig_atomic_t handled;
static volatile bool done;

static void handler(int unused)
{
    (void)unused;
    handled++;
}

static void *in_nanosleep(void *unused)
{
    struct timespec span = {.tv_sec = 100}, left = {0};
    say_call("nanosleep", nanosleep(&span, &left));
    say("left: %d", left.tv_sec > 85 && left.tv_sec <= 100);
    done = true;
    return unused;
}

static void *in_clock_nanosleep(void *unused)
{
    struct timespec when = in_ms(CLOCK_MONOTONIC, 100000), left = {.tv_sec = 5};
    say_error("absolute", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, &left));
    say("left is not written: %d", left.tv_sec == 5);
    done = true;
    return unused;
}

static void *in_sleep(void *unused)
{
    unsigned left = sleep(100);
    say("sleep: %d", left > 85 && left <= 100);
    done = true;
    return unused;
}

static void *in_usleep(void *unused)
{
    say_call("usleep", usleep(100000000));
    done = true;
    return unused;
}

static void interrupt(void *(*body)(void *))
{
    done = false;
    pthread_t thread = start(body, NULL);
    while (!done) {
        MUST(pthread_kill(thread, SIGUSR1) == 0);
        sleep_ms(5);
    }
    finish(thread);
}

int main(void)
{
    begin();
    handle(SIGUSR1, handler, SA_RESTART);
    interrupt(in_nanosleep);
    interrupt(in_clock_nanosleep);
    interrupt(in_sleep);
    interrupt(in_usleep);
    say("handled: %d", handled >= 4);
    return 0;
}
