/* Start-up: how long a program that does nothing takes from its start to its end.
 *
 * startup RUNS [LIBRARY]       prints "us_per_start N" (the median) and "us_best N"
 *
 * It runs bare itself and gives LD_PRELOAD to /bin/true only, so the difference between two calls is the library's own cost: loading,
 * relocating and its constructor. */
#include "bench.h"

#include <spawn.h>
#include <sys/wait.h>

enum { MOST_RUNS = 100000 };
static char *const command[] = {"/bin/true", NULL};

static uint64_t start_once(char *const *environment)
{
    pid_t child;
    int status;
    uint64_t start = now_ns();
    check("posix_spawn /bin/true", posix_spawn(&child, command[0], NULL, NULL, command, environment));
    if (waitpid(child, &status, 0) != child)
        die("waitpid", errno);
    uint64_t elapsed = now_ns() - start;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        die("/bin/true did not end with 0", EPROTO);
    return elapsed;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static char preload[4200];
    static uint64_t times[MOST_RUNS];
    char *const environment[] = {argc > 2 ? preload : NULL, NULL};
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: startup RUNS [LIBRARY]\n");
        return 2;
    }
    int runs = (int)number("runs", argv[1], 1, MOST_RUNS);
    if (argc > 2 && snprintf(preload, sizeof preload, "LD_PRELOAD=%s", argv[2]) >= (int)sizeof preload)
        die(argv[2], ENAMETOOLONG);
    start_once(environment); /* brings the files into memory */
    for (int i = 0; i < runs; i++)
        times[i] = start_once(environment);
    qsort(times, (size_t)runs, sizeof *times, ascending);
    printf("us_per_start %.1f\n", (double)times[runs / 2] / 1e3);
    printf("us_best %.1f\n", (double)times[0] / 1e3);
    return 0;
}
