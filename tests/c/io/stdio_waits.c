// Threads that wait for input from streams, each by another function: bare each is a kernel thread, under the library hardly any.
// What they get is what was sent.
// preloaded: 44 wait for input: the kernel has few
// preloaded: right: 44
#include "oracle.h"

enum { WAYS = 11, ROUNDS = 4, COUNT = WAYS * ROUNDS, FEW = 20 };

char *__fgets_chk(char *buffer, size_t room, int size, FILE *stream);
size_t __fread_chk(void *buffer, size_t room, size_t size, size_t count, FILE *stream);
int __uflow(FILE *stream);

static FILE *streams[COUNT];

static void *await(void *number)
{
    int i = (int)(intptr_t)number;
    FILE *in = streams[i];
    char text[100] = "", *line = NULL;
    size_t room = 0;
    bool right = false;
    switch (i % WAYS) {
    case 0:
        right = fgets(text, sizeof text, in) && strcmp(text, "a line\n") == 0;
        break;
    case 1:
        right = fgetc(in) == 'a' && getc(in) == ' ';
        break;
    case 2:
        right = getc(in) == 'a';
        break;
    case 3:
        right = getc_unlocked(in) == 'a';
        break;
    case 4:
        right = fread(text, 1, 3, in) == 3 && strcmp(text, "a l") == 0;
        break;
    case 5:
        right = getline(&line, &room, in) == 7 && strcmp(line, "a line\n") == 0;
        break;
    case 6:
        right = getdelim(&line, &room, 'i', in) == 4 && strcmp(line, "a li") == 0;
        break;
    case 7:
        right = fgets_unlocked(text, sizeof text, in) && strcmp(text, "a line\n") == 0;
        break;
    case 8:
        right = fread_unlocked(text, 7, 1, in) == 1 && strcmp(text, "a line\n") == 0;
        break;
    case 9:
        right = __fgets_chk(text, sizeof text, 4, in) && strcmp(text, "a l") == 0 && __uflow(in) == 'i';
        break;
    case 10:
        right = __fread_chk(text, sizeof text, 1, 7, in) == 7 && strcmp(text, "a line\n") == 0;
        break;
    }
    free(line);
    return (void *)(intptr_t)right;
}

int main(void)
{
    begin();
    pthread_t threads[COUNT];
    int feeds[COUNT], right = 0;
    for (int i = 0; i < COUNT; i++) {
        int ends[2];
        switch (i / WAYS) {
        case 0:
            MUST(pipe(ends) == 0);
            break;
        case 1:
            tcp_pair(ends);
            break;
        default:
            stream_pair(ends);
        }
        if (i / WAYS > 0)
            set_timeout(ends[0], SO_RCVTIMEO, 20000); // Does not pass.
        streams[i] = fdopen(ends[0], "r");
        feeds[i] = ends[1];
        MUST(streams[i]);
        if (i / WAYS == 3)
            MUST(setvbuf(streams[i], NULL, _IONBF, 0) == 0);
        threads[i] = start(await, (void *)(intptr_t)i);
    }
    settle();
    say("%d wait for input: the kernel has %s", COUNT, kernel_threads() <= FEW ? "few" : "them all");
    for (int i = 0; i < COUNT; i++)
        MUST(write(feeds[i], "a line\n", 7) == 7);
    for (int i = 0; i < COUNT; i++)
        right += finish(threads[i]) != NULL;
    say("right: %d", right);
    return 0;
}
