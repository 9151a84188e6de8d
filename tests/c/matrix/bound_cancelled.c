// As cancelled.c, of a thread that has got a kernel thread of its own.
#include "calls.h"

int main(void)
{
    waiter_is = BOUND;
    return run_rows(&(struct scenario){.lacks = lacks_nothing, .run = cancelled_while_waiting}, rows, ROWS);
}
