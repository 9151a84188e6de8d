// Each call that can wait, made before another thread makes it ready.
#include "calls.h"

int main(void)
{
    return run_rows(&(struct scenario){.lacks = lacks_release, .run = waits}, rows, ROWS);
}
