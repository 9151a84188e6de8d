// Two hundred sleepers, made in a mixed order: they wake at their times, none early, and none long after one that was due later.
#include "oracle.h"

enum { COUNT = 200, STEP_MS = 2, SLACK_MS = 100 };

static struct timespec base;
static long long due_ns[COUNT], woke_ns[COUNT];

static void *sleeper(void *number)
{
    intptr_t i = (intptr_t)number;
    struct timespec when = {.tv_sec = due_ns[i] / 1000000000, .tv_nsec = due_ns[i] % 1000000000};
    MUST(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) == 0);
    woke_ns[i] = now_ns(CLOCK_MONOTONIC);
    return NULL;
}

int main(void)
{
    begin();
    pthread_t threads[COUNT];
    int early = 0, overtaken = 0;
    base = in_ms(CLOCK_MONOTONIC, 100);
    for (intptr_t i = 0; i < COUNT; i++) {
        due_ns[i] = base.tv_sec * 1000000000LL + base.tv_nsec + (i * 73 % COUNT) * STEP_MS * 1000000LL;
        threads[i] = start_small(sleeper, (void *)i);
    }
    for (int i = 0; i < COUNT; i++)
        finish(threads[i]);
    for (int i = 0; i < COUNT; i++) {
        early += woke_ns[i] < due_ns[i];
        for (int j = 0; j < COUNT; j++)
            overtaken += due_ns[i] + SLACK_MS * 1000000LL < due_ns[j] && woke_ns[i] > woke_ns[j];
    }
    say("early %d, overtaken %d", early, overtaken);
    return 0;
}
