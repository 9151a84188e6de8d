// pthread_once: fifty threads, one call, everybody waits for its end; an initialiser that waits; one inside another.
#include "oracle.h"

static pthread_once_t outer = PTHREAD_ONCE_INIT, inner = PTHREAD_ONCE_INIT;
static int calls, inner_calls, unfinished;
static bool finished;

static void inside(void)
{
    inner_calls++;
}

static void slowly(void)
{
    calls++;
    MUST(pthread_once(&inner, inside) == 0);
    sleep_ms(20);
    finished = true;
}

static void *body(void *unused)
{
    MUST(pthread_once(&outer, slowly) == 0);
    if (!finished)
        __atomic_add_fetch(&unfinished, 1, __ATOMIC_RELAXED);
    return unused;
}

int main(void)
{
    begin();
    pthread_t threads[50];
    for (int i = 0; i < 50; i++)
        threads[i] = start(body, NULL);
    for (int i = 0; i < 50; i++)
        finish(threads[i]);
    say("calls %d, inner calls %d, came back before its end %d", calls, inner_calls, unfinished);
    say_error("once more", pthread_once(&outer, slowly));
    say("calls %d", calls);
    return 0;
}
