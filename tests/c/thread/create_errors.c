// Threads that cannot be made, and that the program goes on afterwards.
#include "oracle.h"

static void *body(void *value)
{
    return value;
}

int main(void)
{
    begin();
    pthread_t thread;
    pthread_attr_t attributes;
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setstacksize(&attributes, (size_t)1 << 46) == 0);
    say_error("a stack larger than memory", pthread_create(&thread, &attributes, body, NULL));
    MUST(pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN) == 0);
    MUST(pthread_attr_setguardsize(&attributes, 1 << 20) == 0);
    say_error("a guard larger than the stack", pthread_create(&thread, &attributes, body, (void *)3));
    say("afterwards: %ld", (long)(intptr_t)finish(start(body, (void *)7)));
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED) == 0);
    MUST(pthread_attr_setschedpolicy(&attributes, SCHED_OTHER) == 0);
    say_error("the usual policy, explicitly", pthread_create(&thread, &attributes, body, (void *)8));
    say("it returned %ld", (long)(intptr_t)finish(thread));
    return 0;
}
