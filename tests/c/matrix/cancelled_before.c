// A thread that has been cancelled makes a call that could wait and is ready: who acts on the cancellation takes nothing.
#include "calls.h"

static const char *lacks(void)
{
    return !row->release ? "nothing makes it ready" : row->traits & NOT_BEFORE ? "it cannot be made ready before" : NULL;
}

static void cancelled_before(void)
{
    struct attempt attempt = {.ms = FOREVER, .cancels_itself = true};
    row->prepare();
    release();
    begin_attempt(&attempt);
    if (!end_attempt(&attempt) && !(row->traits & NOT_AGAIN))
        attempt_again(", afterwards ", FOREVER);
}

int main(void)
{
    return run_rows(&(struct scenario){.lacks = lacks, .run = cancelled_before}, rows, ROWS);
}
