// The default stack size is what pthread_setattr_default_np says, for threads made without attributes.
#include "oracle.h"

static void *size_of_stack(void *unused)
{
    (void)unused;
    pthread_attr_t attributes;
    size_t size;
    MUST(pthread_getattr_np(pthread_self(), &attributes) == 0);
    MUST(pthread_attr_getstacksize(&attributes, &size) == 0);
    MUST(pthread_attr_destroy(&attributes) == 0);
    return (void *)size;
}

int main(void)
{
    begin();
    pthread_attr_t attributes;
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setstacksize(&attributes, 512 * 1024) == 0);
    say_error("set the default", pthread_setattr_default_np(&attributes));
    say("a thread has %zu", (size_t)finish(start(size_of_stack, NULL)));
    MUST(pthread_attr_setstacksize(&attributes, 3 << 20) == 0);
    say_error("set the default", pthread_setattr_default_np(&attributes));
    say("a thread has %zu", (size_t)finish(start(size_of_stack, NULL)));
    MUST(pthread_getattr_default_np(&attributes) == 0);
    size_t size;
    MUST(pthread_attr_getstacksize(&attributes, &size) == 0);
    say("told back: %zu", size);
    return 0;
}
