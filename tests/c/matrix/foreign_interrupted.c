// As interrupted.c, in a kernel thread that the library did not make green.
#include "calls.h"

static void interrupted(void)
{
    interrupted_with(0);
}

int main(void)
{
    waiter_is = FOREIGN;
    return run_rows(&(struct scenario){.lacks = lacks_nothing, .run = interrupted}, rows, ROWS);
}
