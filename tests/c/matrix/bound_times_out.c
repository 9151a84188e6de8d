// As times_out.c, in a thread that has got a kernel thread of its own.
#include "calls.h"

int main(void)
{
    waiter_is = BOUND;
    return run_rows(&(struct scenario){.lacks = lacks_time_out, .run = times_out}, rows, ROWS);
}
