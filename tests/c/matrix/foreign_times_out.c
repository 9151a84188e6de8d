// As times_out.c, in a kernel thread that the library did not make green.
#include "calls.h"

int main(void)
{
    waiter_is = FOREIGN;
    return run_rows(&(struct scenario){.lacks = lacks_time_out, .run = times_out}, rows, ROWS);
}
