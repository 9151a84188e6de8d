// A thread hands down what it has changed of itself, and only to the threads that it makes.
#include "oracle.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void *tell(void *who)
{
    say("%s: nice %d, policy %d, slack %d", (char *)who, getpriority(PRIO_PROCESS, 0), sched_getscheduler(0),
        prctl(PR_GET_TIMERSLACK));
    return who;
}

static void *grandparent(void *who)
{
    tell(who);
    finish(start(tell, "a grandchild"));
    return who;
}

static void *changes(void *who)
{
    MUST(setpriority(PRIO_PROCESS, 0, 4) == 0);
    MUST(sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0}) == 0);
    MUST(prctl(PR_SET_TIMERSLACK, 77777UL) == 0);
    tell(who);
    finish(start(grandparent, "its child"));
    return who;
}

int main(void)
{
    begin();
    finish(start(tell, "first"));
    finish(start(changes, "one changes itself"));
    finish(start(tell, "a thread of main's"));
    finish(start(changes, "and again"));
    changes("main");
    finish(start(tell, "a thread of main's"));
    say("main is the process: %d", gettid() == getpid());
    return 0;
}
