// Each call that can be told not to wait, by an argument or by its descriptor: when it would wait, and when it need not.
#include "calls.h"

static const char *lacks(void)
{
    return row->traits & (NOW_ARGUMENT | NOW_DESCRIPTOR) ? NULL : "it cannot be told not to wait";
}

static void not_waiting(void)
{
    row->prepare();
    if (row->traits & NOW_ARGUMENT)
        attempt_again("by argument ", 0);
    if (row->traits & NOW_DESCRIPTOR) {
        set_nonblocking(the_fd);
        attempt_again(row->traits & NOW_ARGUMENT ? ", by descriptor " : "by descriptor ", FOREVER);
    }
    if (!row->release || row->traits & NOT_BEFORE)
        return;
    release();
    attempt_again(", ready ", row->traits & NOW_ARGUMENT ? 0 : FOREVER);
    if (row->traits & NOW_DESCRIPTOR)
        tell(", still non-blocking %d", is_nonblocking(the_fd));
}

int main(void)
{
    return run_rows(&(struct scenario){.lacks = lacks, .run = not_waiting}, rows, ROWS);
}
