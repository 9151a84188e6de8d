// As interrupted.c, in a thread that has got a kernel thread of its own.
#include "calls.h"

static void interrupted(void)
{
    interrupted_with(0);
}

int main(void)
{
    waiter_is = BOUND;
    return run_rows(&(struct scenario){.lacks = lacks_nothing, .run = interrupted}, rows, ROWS);
}
