// pthread_atfork: prepare in reverse order of registration, parent and child in order; handlers may lock and wait; a fork from
// a thread runs them in that thread.
#include "oracle.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_t forking;

static void tell(const char *what)
{
    say("%s, in the forking thread: %d", what, pthread_equal(pthread_self(), forking) != 0);
}

static void prepare_first(void)
{
    tell("prepare first");
    MUST(pthread_mutex_lock(&mutex) == 0);
}

static void parent_first(void)
{
    MUST(pthread_mutex_unlock(&mutex) == 0);
    tell("parent first");
}

static void child_first(void)
{
    MUST(pthread_mutex_unlock(&mutex) == 0);
    tell("child first");
}

static void prepare_second(void)
{
    sleep_ms(2);
    tell("prepare second");
}

static void parent_second(void)
{
    // The child is to have told everything before.
    settle();
    tell("parent second");
}

static void child_second(void)
{
    tell("child second");
}

static void *forker(void *unused)
{
    forking = pthread_self();
    pid_t child = fork();
    if (child == 0) {
        alarm(15);
        MUST(pthread_mutex_lock(&mutex) == 0);
        _exit(2);
    }
    say_child("child", child);
    return unused;
}

static void *locker(void *unused)
{
    for (int i = 0; i < 50; i++) {
        MUST(pthread_mutex_lock(&mutex) == 0);
        usleep(500);
        MUST(pthread_mutex_unlock(&mutex) == 0);
    }
    return unused;
}

static void parent_settles(void)
{
    settle();
}

int main(void)
{
    begin();
    MUST(pthread_atfork(NULL, parent_settles, NULL) == 0);
    MUST(pthread_atfork(prepare_first, parent_first, child_first) == 0);
    MUST(pthread_atfork(prepare_second, parent_second, child_second) == 0);
    pthread_t thread = start(locker, NULL);
    forker(NULL);
    finish(start(forker, NULL));
    finish(thread);
    return 0;
}
