// Each call that can wait for a limited time, by an argument or by an option of its socket, when the time runs out.
#include "calls.h"

int main(void)
{
    return run_rows(&(struct scenario){.lacks = lacks_time_out, .run = times_out}, rows, ROWS);
}
