// A thread that has got a kernel thread of its own makes each call that can wait, and a green one makes it ready.
#include "calls.h"

int main(void)
{
    waiter_is = BOUND;
    return run_rows(&(struct scenario){.lacks = lacks_release, .run = waits}, rows, ROWS);
}
