// A thread is in dlopen, which holds the loader's lock, and its library's constructor waits for what others do meanwhile: threads
// that are made, have functions called in them for the first time, and end.
// module: constructor_waits.c
#include "oracle.h"

#include <dlfcn.h>

static char path[PATH_MAX];
static int tells[2], answers[2];

static void *load(void *ignored)
{
    (void)ignored;
    return dlopen(path, RTLD_NOW);
}

static void *use(void *ignored)
{
    struct timespec span = {0, 1000};
    int ends[2];
    char byte;
    MUST(nanosleep(&span, NULL) == 0);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    MUST(send(ends[0], "x", 1, 0) == 1 && recv(ends[1], &byte, 1, 0) == 1);
    MUST(close(ends[0]) == 0 && close(ends[1]) == 0);
    return ignored;
}

int main(int argc, char **argv)
{
    enum { THREADS = 20 };
    pthread_t threads[THREADS];
    char number[16], byte;
    MUST(argc > 0);
    begin();
    MUST(strlen(argv[0]) + sizeof "constructor_waits.so" < sizeof path);
    strcpy(path, argv[0]);
    strcpy(strrchr(path, '/') + 1, "constructor_waits.so");
    MUST(pipe(tells) == 0 && pipe(answers) == 0);
    snprintf(number, sizeof number, "%d", tells[1]);
    MUST(setenv("CONSTRUCTOR_TELLS", number, 1) == 0);
    snprintf(number, sizeof number, "%d", answers[0]);
    MUST(setenv("CONSTRUCTOR_WAITS", number, 1) == 0);
    pthread_t loader = start(load, NULL);
    MUST(read(tells[0], &byte, 1) == 1);
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(use, NULL);
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    MUST(write(answers[1], "a", 1) == 1);
    say("loaded: %d", finish(loader) != NULL);
    return 0;
}
