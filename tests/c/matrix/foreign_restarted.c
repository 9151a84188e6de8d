// As restarted.c, in a kernel thread that the library did not make green.
#include "calls.h"

static void restarted(void)
{
    interrupted_with(SA_RESTART);
}

int main(void)
{
    waiter_is = FOREIGN;
    return run_rows(&(struct scenario){.lacks = lacks_nothing, .run = restarted}, rows, ROWS);
}
