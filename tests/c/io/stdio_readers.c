// Many threads read one stream: lines come in bursts, so that one read brings lines for several of them. Nobody sleeps while there
// is a line, and none is lost. The last pieces of a line come late.
#include "oracle.h"

enum { READERS = 12, BURSTS = 60, LINES = 7 };

static FILE *in;
static int numbers[BURSTS * LINES];

static void *reader(void *one_at_a_time)
{
    char line[40];
    long got = 0;
    for (;;) {
        if (one_at_a_time) {
            char *text = NULL;
            size_t room = 0;
            ssize_t length = getline(&text, &room, in);
            if (length > 0)
                memcpy(line, text, (size_t)length + 1);
            free(text);
            if (length <= 0)
                return (void *)got;
        } else if (!fgets(line, sizeof line, in)) {
            return (void *)got;
        }
        int number;
        MUST(sscanf(line, "line %d\n", &number) == 1);
        __atomic_add_fetch(&numbers[number], 1, __ATOMIC_RELAXED);
        got++;
    }
}

int main(void)
{
    begin();
    int ends[2], next = 0, once = 0;
    long total = 0;
    pthread_t threads[READERS];
    MUST(pipe(ends) == 0);
    in = fdopen(ends[0], "r");
    for (intptr_t i = 0; i < READERS; i++)
        threads[i] = start(reader, (void *)(i % 2));
    for (int burst = 0; burst < BURSTS; burst++) {
        char text[LINES * 20];
        int length = 0;
        for (int i = 0; i < LINES; i++)
            length += sprintf(text + length, "line %d\n", next++);
        MUST(write(ends[1], text, (size_t)length - 3) == length - 3);
        if (burst % 4 == 0)
            sleep_ms(1);
        else
            sched_yield();
        MUST(write(ends[1], text + length - 3, 3) == 3);
        // All of it is read while the pipe stays open: what is left in the buffer makes no noise of its own.
        if (burst % 10 == 9)
            for (int i = 0; i < next; i++)
                while (!__atomic_load_n(&numbers[i], __ATOMIC_RELAXED))
                    sleep_ms(1);
    }
    MUST(close(ends[1]) == 0);
    for (int i = 0; i < READERS; i++)
        total += (long)(intptr_t)finish(threads[i]);
    for (int i = 0; i < BURSTS * LINES; i++)
        once += numbers[i] == 1;
    say("lines %ld, each once: %d", total, once);
    return 0;
}
