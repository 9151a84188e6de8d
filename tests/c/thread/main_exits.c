// main leaves by pthread_exit: the others go on, and the process ends with 0 when the last one does.
#include "oracle.h"

static void at_exit(void)
{
    say("atexit, after the last thread");
}

static void cleanup(void *unused)
{
    (void)unused;
    say("main's cleanup handler");
}

static void *body(void *main_thread)
{
    say_error("join main", pthread_join(*(pthread_t *)main_thread, NULL));
    sleep_ms(20);
    say("a thread after main");
    pthread_t thread = start(return_it, NULL);
    finish(thread);
    say("it made another");
    return NULL;
}

int main(void)
{
    begin();
    static pthread_t self;
    self = pthread_self();
    MUST(atexit(at_exit) == 0);
    start(body, &self);
    pthread_cleanup_push(cleanup, NULL);
    pthread_exit((void *)7);
    pthread_cleanup_pop(0);
    return 9;
}
