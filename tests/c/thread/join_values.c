// What a thread returns reaches its joiner, whether by return, by pthread_exit, or by a thread made inside a thread.
#include "oracle.h"

static void *twice(void *n)
{
    return (void *)((intptr_t)n * 2);
}

static void *leave(void *n)
{
    pthread_exit((void *)((intptr_t)n + 1));
}

static void *nested(void *depth)
{
    if ((intptr_t)depth == 0)
        return (void *)1;
    return (void *)((intptr_t)finish(start(nested, (void *)((intptr_t)depth - 1))) + 1);
}

int main(void)
{
    begin();
    pthread_t threads[10];
    for (intptr_t i = 0; i < 10; i++)
        threads[i] = start(i % 2 ? leave : twice, (void *)i);
    for (int i = 9; i >= 0; i--)
        say("thread %d: %ld", i, (long)(intptr_t)finish(threads[i]));
    say("nested: %ld", (long)(intptr_t)finish(start(nested, (void *)20)));
    say_error("join without wanting the value", pthread_join(start(twice, NULL), NULL));
    return 0;
}
