// Rounding mode and exception flags belong to the thread. A new one begins with its maker's, used stack or not.
// cflags: -lm
#include "oracle.h"

#include <fenv.h>

static sem_t first, second;

static const char *mode(void)
{
    switch (fegetround()) {
    case FE_TONEAREST: return "to nearest";
    case FE_UPWARD: return "upward";
    case FE_DOWNWARD: return "downward";
    default: return "toward zero";
    }
}

static const char *third(void)
{
    volatile double one = 1, three = 3;
    double nearest = 0x1.5555555555555p-2;
    double got = one / three;
    return got == nearest ? "1/3 as to nearest" : "1/3 rounded up";
}

static void *up(void *unused)
{
    MUST(fesetround(FE_UPWARD) == 0);
    feraiseexcept(FE_DIVBYZERO);
    MUST(sem_post(&first) == 0);
    MUST(sem_wait(&second) == 0);
    sched_yield();
    say("up: %s, %s, division by zero %d", mode(), third(), fetestexcept(FE_DIVBYZERO) != 0);
    return unused;
}

static void *report(void *who)
{
    say("%s: %s", (char *)who, mode());
    fesetround(FE_TOWARDZERO);
    return NULL;
}

int main(void)
{
    begin();
    MUST(sem_init(&first, 0, 0) == 0 && sem_init(&second, 0, 0) == 0);
    feclearexcept(FE_ALL_EXCEPT);
    pthread_t thread = start(up, NULL);
    MUST(sem_wait(&first) == 0);
    say("main: %s, %s, division by zero %d", mode(), third(), fetestexcept(FE_DIVBYZERO) != 0);
    finish(start(report, "made meanwhile"));
    finish(start(report, "made after that one"));
    MUST(sem_post(&second) == 0);
    finish(thread);
    MUST(fesetround(FE_DOWNWARD) == 0);
    finish(start(report, "made by a maker who rounds down"));
    MUST(fesetround(FE_TONEAREST) == 0);
    finish(start(report, "made by one who rounds to nearest"));
    say("main: %s", mode());
    return 0;
}
