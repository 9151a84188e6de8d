// uselocale is the thread's own and a new thread has the global one, on a stack that was used with another too.
#include "oracle.h"

#include <locale.h>

static locale_t utf8;

static const char *which(void)
{
    locale_t now = uselocale((locale_t)0);
    return now == LC_GLOBAL_LOCALE ? "global" : now == utf8 ? "C.UTF-8" : "another";
}

static void *body(void *unused)
{
    say("at first %s, MB_CUR_MAX %zu", which(), MB_CUR_MAX);
    MUST(uselocale(utf8));
    sched_yield();
    say("then %s, MB_CUR_MAX %zu", which(), MB_CUR_MAX);
    return unused;
}

static void *park(void *ends)
{
    char byte;
    MUST(uselocale(utf8));
    MUST(read(*(int *)ends, &byte, 1) == 1);
    say("after parking: %s", which());
    return NULL;
}

int main(void)
{
    begin();
    int ends[2];
    utf8 = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
    MUST(utf8);
    for (int i = 0; i < 3; i++)
        finish(start(body, NULL));
    MUST(pipe(ends) == 0);
    pthread_t thread = start(park, ends);
    settle();
    say("main: %s, MB_CUR_MAX %zu", which(), MB_CUR_MAX);
    MUST(write(ends[1], "x", 1) == 1);
    finish(thread);
    say("main: %s", which());
    return 0;
}
