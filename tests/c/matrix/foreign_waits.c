// A kernel thread that the library did not make green makes each call that can wait, and a green one makes it ready.
#include "calls.h"

int main(void)
{
    waiter_is = FOREIGN;
    return run_rows(&(struct scenario){.lacks = lacks_release, .run = waits}, rows, ROWS);
}
