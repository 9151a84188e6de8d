// A handler without SA_RESTART runs while a call waits, for each call that can: it fails by EINTR or goes on.
#include "calls.h"

static void interrupted(void)
{
    interrupted_with(0);
}

int main(void)
{
    return run_rows(&(struct scenario){.lacks = lacks_nothing, .run = interrupted}, rows, ROWS);
}
