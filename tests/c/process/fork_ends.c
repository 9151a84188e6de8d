// The first thread of a forked child, main or not in the parent, ends before the child's other threads: by pthread_exit or by
// returning. It is joined with its value, and the child ends with its last thread.
#include "oracle.h"

static void *joins(void *first)
{
    void *value = NULL;
    int error = pthread_join((pthread_t)first, &value);
    say("joined: %s, value %ld", error_name(error), (long)(intptr_t)value);
    sleep_ms(10);
    say("the last thread ends");
    return NULL;
}

static pthread_t chain[3];

static void *later(void *number)
{
    sleep_ms(20);
    if ((intptr_t)number > 0)
        finish(chain[(intptr_t)number - 1]);
    say("thread %d ends", (int)(intptr_t)number);
    return NULL;
}

static void in_child(int how)
{
    begin();
    switch (how) {
    case 0:
        start(joins, (void *)pthread_self());
        settle();
        pthread_exit((void *)7);
    case 1:
        for (intptr_t i = 0; i < 3; i++)
            chain[i] = start(later, (void *)i);
        pthread_exit((void *)8);
    case 2:
        pthread_exit((void *)9);
    case 3:
        start(joins, (void *)pthread_self());
        return;
    default:
        MUST(pthread_detach(pthread_self()) == 0);
        start(later, (void *)0);
    }
}

static void *forker(void *how)
{
    pid_t child = fork();
    if (child == 0) {
        in_child((int)(intptr_t)how);
        return (void *)10;
    }
    say_child("child", child);
    return NULL;
}

static void *parked(void *unused)
{
    sleep(100);
    return unused;
}

int main(void)
{
    begin();
    start(parked, NULL);
    for (intptr_t how = 0; how < 3; how++) {
        say("forked by main, case %d", (int)how);
        forker((void *)how);
    }
    for (intptr_t how = 0; how < 5; how++) {
        say("forked by a thread, case %d", (int)how);
        finish(start(forker, (void *)how));
    }
    return 0;
}
