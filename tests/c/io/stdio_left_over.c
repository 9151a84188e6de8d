// One read of a stream brings the lines of two threads: the second gets its line out of the buffer, though nothing more comes that
// could wake it, and the first does not read again. Both wait before the lines come, or the second alone.
#include "oracle.h"

enum { ROUNDS = 20 };

static FILE *in;

static void *one_line(void *unused)
{
    char line[20];
    (void)unused;
    MUST(fgets(line, sizeof line, in));
    return (void *)(intptr_t)atoi(line);
}

int main(void)
{
    begin();
    int ends[2], both = 0, other = 0;
    MUST(pipe(ends) == 0);
    in = fdopen(ends[0], "r");
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t first = start(one_line, NULL), second = start(one_line, NULL);
        sleep_ms(5);
        MUST(write(ends[1], "1\n2\n", 4) == 4);
        both += (intptr_t)finish(first) + (intptr_t)finish(second) == 3;
        first = start(one_line, NULL);
        sleep_ms(5);
        MUST(write(ends[1], "1\n2\n", 4) == 4);
        other += (intptr_t)one_line(NULL) + (intptr_t)finish(first) == 3;
    }
    say("both waited: %d, one waited: %d", both, other);
    return 0;
}
