// A key's destructor is a thread like before: it may lock, sleep, and read, and the joiner waits for its end.
#include "oracle.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;
static int ends[2];
static int destroyed;

static void destroy(void *value)
{
    char byte = 0;
    sleep_ms(5);
    MUST(read(ends[0], &byte, 1) == 1);
    MUST(pthread_mutex_lock(&mutex) == 0);
    destroyed += (int)(intptr_t)value;
    MUST(pthread_mutex_unlock(&mutex) == 0);
}

static void *body(void *value)
{
    MUST(pthread_setspecific(key, value) == 0);
    return value;
}

int main(void)
{
    begin();
    pthread_t threads[10];
    MUST(pipe(ends) == 0);
    MUST(pthread_key_create(&key, destroy) == 0);
    for (intptr_t i = 0; i < 10; i++)
        threads[i] = start(body, (void *)(i + 1));
    sleep_ms(20);
    say("before: %d", destroyed);
    MUST(write(ends[1], "0123456789", 10) == 10);
    for (int i = 0; i < 10; i++)
        finish(threads[i]);
    say("after: %d", destroyed);
    return 0;
}
