// What pthread_attr_t asks for is what pthread_getattr_np tells inside the thread, and wrong values are refused.
#include "oracle.h"

static bool inside(const void *stack, size_t size, const void *place)
{
    return (const char *)place >= (const char *)stack && (const char *)place < (const char *)stack + size;
}

static void *describe(void *what)
{
    pthread_attr_t attributes;
    void *stack;
    size_t size, guard;
    int detach, policy, inherit, scope;
    struct sched_param parameters;
    char here;
    say_error((const char *)what, pthread_getattr_np(pthread_self(), &attributes));
    MUST(pthread_attr_getstack(&attributes, &stack, &size) == 0);
    MUST(pthread_attr_getguardsize(&attributes, &guard) == 0);
    MUST(pthread_attr_getdetachstate(&attributes, &detach) == 0);
    MUST(pthread_attr_getschedpolicy(&attributes, &policy) == 0);
    MUST(pthread_attr_getschedparam(&attributes, &parameters) == 0);
    MUST(pthread_attr_getinheritsched(&attributes, &inherit) == 0);
    MUST(pthread_attr_getscope(&attributes, &scope) == 0);
    say("  size %zu, guard %zu, detach state %d", size, guard, detach);
    say("  policy %d, priority %d, inherit %d, scope %d", policy, parameters.sched_priority, inherit, scope);
    say("  I am %s it", inside(stack, size, &here) ? "on" : "beside");
    MUST(pthread_attr_destroy(&attributes) == 0);
    return NULL;
}

static void run_with(pthread_attr_t *attributes, const char *what)
{
    pthread_t thread;
    MUST(pthread_create(&thread, attributes, describe, (void *)what) == 0);
    finish(thread);
}

int main(void)
{
    begin();
    pthread_attr_t attributes;
    size_t size;
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setstacksize(&attributes, 1 << 20) == 0);
    run_with(&attributes, "1 MiB");
    run_with(&attributes, "1 MiB, again");
    MUST(pthread_attr_setguardsize(&attributes, 64 * 1024) == 0);
    run_with(&attributes, "guard of 64 KiB");
    MUST(pthread_attr_setguardsize(&attributes, 0) == 0);
    run_with(&attributes, "no guard");
    MUST(pthread_attr_setguardsize(&attributes, 5000) == 0);
    run_with(&attributes, "guard of 5,000 bytes");
    MUST(pthread_attr_setguardsize(&attributes, 4096) == 0);
    MUST(pthread_attr_setstacksize(&attributes, 100001) == 0);
    run_with(&attributes, "100,001 bytes");
    MUST(pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN) == 0);
    say_error("smaller than the least", pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN - 1));
    say_error("no such detach state", pthread_attr_setdetachstate(&attributes, 77));
    MUST(pthread_attr_getstacksize(&attributes, &size) == 0);
    say("still the least: %d", size == (size_t)PTHREAD_STACK_MIN);
    MUST(pthread_attr_destroy(&attributes) == 0);
    MUST(pthread_getattr_np(pthread_self(), &attributes) == 0);
    void *stack;
    MUST(pthread_attr_getstack(&attributes, &stack, &size) == 0);
    say("main is %s its stack", inside(stack, size, &size) ? "on" : "beside");
    MUST(pthread_attr_destroy(&attributes) == 0);
    return 0;
}
