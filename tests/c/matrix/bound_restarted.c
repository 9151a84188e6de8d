// As restarted.c, in a thread that has got a kernel thread of its own.
#include "calls.h"

static void restarted(void)
{
    interrupted_with(SA_RESTART);
}

int main(void)
{
    waiter_is = BOUND;
    return run_rows(&(struct scenario){.lacks = lacks_nothing, .run = restarted}, rows, ROWS);
}
