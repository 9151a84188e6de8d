// pthread_exit deep inside: cleanup handlers run innermost first, then key destructors, then the joiner has the value.
#include "oracle.h"

static pthread_key_t key;

static void told(void *what)
{
    say("handler: %s", (char *)what);
}

static void destroyed(void *what)
{
    say("key: %s", (char *)what);
}

static volatile int deepest = 5;

static void deeper(int depth)
{
    volatile char room[3000];
    room[0] = (char)depth;
    pthread_cleanup_push(told, depth % 2 ? "odd" : "even");
    if (depth == deepest)
        pthread_exit((void *)55);
    if (depth < deepest)
        deeper(depth + 1);
    pthread_cleanup_pop(0);
    say("never here: %d", room[0]);
}

static void *body(void *unused)
{
    MUST(pthread_setspecific(key, "destroyed") == 0);
    pthread_cleanup_push(told, "outermost");
    pthread_cleanup_push(told, "popped and run");
    pthread_cleanup_pop(1);
    pthread_cleanup_push(told, "popped and not run");
    pthread_cleanup_pop(0);
    deeper(0);
    pthread_cleanup_pop(0);
    return unused;
}

static void waits(void *unused)
{
    (void)unused;
    sleep_ms(1);
    sched_yield();
    say("a cleanup handler may wait");
}

static void *wait_in_handler(void *unused)
{
    pthread_cleanup_push(told, "still runs");
    pthread_cleanup_push(waits, NULL);
    pthread_exit((void *)1);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return unused;
}

int main(void)
{
    begin();
    MUST(pthread_key_create(&key, destroyed) == 0);
    for (int i = 0; i < 2; i++)
        say("value: %ld", (long)(intptr_t)finish(start(body, NULL)));
    say("value: %ld", (long)(intptr_t)finish(start(wait_in_handler, NULL)));
    return 0;
}
