// libc's fork waits for the lock of its list of streams. The thread that has it is in a function of the program's that writes one: there it
// computes while others do, or sleeps. And a thread that has the loader's lock opens a stream meanwhile.
#include "oracle.h"
#include <link.h>

enum { SPINNERS = 3, FORKS = 8, WRITE_MS = 20 };

static volatile bool stop;

static ssize_t compute(void *unused, const char *data, size_t size)
{
    (void)unused, (void)data;
    long long end = now_ns(CLOCK_MONOTONIC) + WRITE_MS * 1000000LL;
    while (now_ns(CLOCK_MONOTONIC) < end)
        for (volatile int i = 0; i < 10000; i++)
            ;
    return (ssize_t)size;
}

static ssize_t nap(void *unused, const char *data, size_t size)
{
    (void)unused, (void)data;
    sleep_ms(WRITE_MS);
    return (ssize_t)size;
}

static void *flush_all(void *write)
{
    cookie_io_functions_t functions = {.write = *(cookie_write_function_t **)write};
    FILE *stream = fopencookie(NULL, "w", functions);
    MUST(stream != NULL);
    while (!stop) {
        MUST(fputs("x", stream) >= 0 && fflush(NULL) == 0);
        usleep(500);
    }
    MUST(fclose(stream) == 0);
    return NULL;
}

static int open_stream(struct dl_phdr_info *object, size_t size, void *unused)
{
    (void)object, (void)size, (void)unused;
    FILE *stream = fopen("/dev/null", "r");
    MUST(stream != NULL && fclose(stream) == 0);
    return 0;
}

static void *look_at_objects(void *unused)
{
    while (!stop) {
        dl_iterate_phdr(open_stream, NULL);
        usleep(500);
    }
    return unused;
}

static void *start_and_end(void *unused)
{
    while (!stop)
        finish(start(return_it, NULL));
    return unused;
}

static void *spin(void *unused)
{
    while (!stop)
        ;
    return unused;
}

static void fork_beside(const char *what, cookie_write_function_t *write)
{
    pthread_t spinners[SPINNERS];
    stop = false;
    pthread_t flusher = start(flush_all, &write), looker = start(look_at_objects, NULL), starter = start(start_and_end, NULL);
    for (int i = 0; i < SPINNERS; i++)
        spinners[i] = start(spin, NULL);
    int well = 0;
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0) {
            // The child's list is free.
            FILE *stream = fopen("/dev/null", "r");
            _exit(stream != NULL && fclose(stream) == 0 ? 7 : 1);
        }
        int status;
        MUST(child > 0 && waitpid(child, &status, 0) == child);
        well += WIFEXITED(status) && WEXITSTATUS(status) == 7;
        usleep(3000);
    }
    stop = true;
    finish(flusher);
    finish(looker);
    finish(starter);
    for (int i = 0; i < SPINNERS; i++)
        finish(spinners[i]);
    say("beside a stream that %s: %d children", what, well);
}

int main(void)
{
    begin();
    fork_beside("computes", compute);
    fork_beside("sleeps", nap);
    return 0;
}
