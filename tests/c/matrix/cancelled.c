// A thread is cancelled while it waits, in each call that can: its cleanup handlers run, and the call has taken nothing; or, where the
// call is no cancellation point, it goes on.
#include "calls.h"

int main(void)
{
    return run_rows(&(struct scenario){.lacks = lacks_nothing, .run = cancelled_while_waiting}, rows, ROWS);
}
