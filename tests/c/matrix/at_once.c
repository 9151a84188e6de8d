// Each call that can wait, made when what it would wait for is there already.
#include "calls.h"

static const char *lacks(void)
{
    return !row->release ? "nothing makes it ready" : row->traits & NOT_BEFORE ? "it cannot be made ready before" : NULL;
}

static void at_once(void)
{
    row->prepare();
    release();
    attempt_again("", FOREVER);
}

int main(void)
{
    return run_rows(&(struct scenario){.lacks = lacks, .run = at_once}, rows, ROWS);
}
