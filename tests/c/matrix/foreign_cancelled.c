// As cancelled.c, of a kernel thread that the library did not make green.
#include "calls.h"

int main(void)
{
    waiter_is = FOREIGN;
    return run_rows(&(struct scenario){.lacks = lacks_nothing, .run = cancelled_while_waiting}, rows, ROWS);
}
