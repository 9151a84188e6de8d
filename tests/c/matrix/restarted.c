// A handler with SA_RESTART runs while a call waits, for each call that can: it goes on until it is ready, or fails all the same.
#include "calls.h"

static void restarted(void)
{
    interrupted_with(SA_RESTART);
}

int main(void)
{
    return run_rows(&(struct scenario){.lacks = lacks_nothing, .run = restarted}, rows, ROWS);
}
