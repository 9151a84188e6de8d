// A green thread makes each call that can wait, and a kernel thread that the library did not make green, which made the objects, makes it
// ready.
#include "calls.h"

static bool prepared, go;

static void *holder(void *unused)
{
    row->prepare();
    raise_flag(&prepared);
    while (!flag(&go))
        sleep_ms(1);
    release();
    return unused;
}

// Main makes the waiter: what a thread left to the kernel creates is left to the kernel as well.
static void released_by_foreign(void)
{
    struct attempt attempt = {.ms = FOREVER};
    pthread_t thread = start_foreign(holder, NULL);
    while (!flag(&prepared))
        sleep_ms(1);
    begin_attempt(&attempt);
    settle();
    tell("waits %d, ", !flag(&attempt.ended));
    raise_flag(&go);
    end_attempt(&attempt);
    finish(thread);
}

int main(void)
{
    return run_rows(&(struct scenario){.lacks = lacks_release, .run = released_by_foreign}, rows, ROWS);
}
