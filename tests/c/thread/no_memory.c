// No address space is left: pthread_create says EAGAIN, for the first thread and for later ones, and works again afterwards.
// Stacks that wait for the next thread of their size do not stand in the way of another's.
#include "oracle.h"
#include <sys/resource.h>

static struct rlimit before;

static void use_up(void)
{
    MUST(getrlimit(RLIMIT_AS, &before) == 0);
    MUST(setrlimit(RLIMIT_AS, &(struct rlimit){.rlim_cur = 1 << 20, .rlim_max = before.rlim_max}) == 0);
}

static void give_back(void)
{
    MUST(setrlimit(RLIMIT_AS, &before) == 0);
}

static int create(size_t stack)
{
    pthread_attr_t attr;
    pthread_t thread;
    MUST(pthread_attr_init(&attr) == 0);
    MUST(pthread_attr_setstacksize(&attr, stack) == 0);
    int status = pthread_create(&thread, &attr, return_it, NULL);
    if (status == 0)
        finish(thread);
    return status;
}

int main(void)
{
    begin();
    use_up();
    say_error("first", create(512 << 20));
    give_back();
    say_error("with memory", create(1 << 20));
    use_up();
    say_error("later", create(512 << 20));
    int refused = 0;
    for (int i = 0; i < 20000; i++)
        refused += create(512 << 20) == EAGAIN;
    say("refused, one after the other: %d", refused);
    give_back();
    MUST(getrlimit(RLIMIT_AS, &before) == 0);
    MUST(setrlimit(RLIMIT_AS, &(struct rlimit){.rlim_cur = 1 << 30, .rlim_max = before.rlim_max}) == 0);
    int failed = 0;
    for (int i = 0; i < 20; i++)
        failed += create((size_t)(i + 8) << 24) != 0;
    say("of 20 sizes one after the other failed: %d", failed);
    give_back();
    say_error("in the end", create(1 << 20));
}
