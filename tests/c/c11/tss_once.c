// C11 thread storage with destructors, thread_local, and call_once.
#include "oracle.h"

#include <threads.h>

static tss_t slot;
static once_flag flag = ONCE_FLAG_INIT;
static thread_local int mine = 3;
static int destroyed, calls;

static void destroy(void *value)
{
    destroyed += (int)(intptr_t)value;
    if ((intptr_t)value > 1)
        tss_set(slot, (void *)1);
}

static void initialise(void)
{
    calls++;
    thrd_yield();
}

static int body(void *value)
{
    call_once(&flag, initialise);
    MUST(tss_get(slot) == NULL && mine == 3);
    MUST(tss_set(slot, value) == thrd_success);
    mine = 4;
    thrd_yield();
    return tss_get(slot) == value && mine == 4;
}

int main(void)
{
    begin();
    thrd_t thread;
    int right = 0, result;
    say("create: %d", tss_create(&slot, destroy));
    for (intptr_t i = 1; i <= 10; i++) {
        MUST(thrd_create(&thread, body, (void *)i) == thrd_success);
        MUST(thrd_join(thread, &result) == thrd_success);
        right += result;
    }
    say("right %d, destroyed %d, calls %d, main's %d", right, destroyed, calls, mine);
    tss_delete(slot);
    say("get after delete: %d", tss_get(slot) == NULL);
    return 0;
}
