/* What a program that was started by greenlet-run can see of the start.
 *
 * probe secure            AT_SECURE as the kernel set it: 1 means that a preload is ignored
 * probe children          "none", if there is no child to wait for
 * probe loaded FILE       "yes", if that file is mapped into this process
 * probe arguments ...     every argument, argv[0] first, in brackets
 *
 * It is the oracle for the launcher's checks, so it may not depend on the library: it makes no thread. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>

static int loaded(const char *file)
{
    char line[4400];
    FILE *maps = fopen("/proc/self/maps", "r");
    if (maps == NULL)
        return 1;
    int found = 0;
    while (!found && fgets(line, sizeof line, maps) != NULL)
        found = strstr(line, file) != NULL;
    fclose(maps);
    puts(found ? "yes" : "no");
    return 0;
}

static int children(void)
{
    int none = waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
    puts(none ? "none" : "some");
    return 0;
}

static int arguments(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        printf("[%s]\n", argv[i]);
    return 0;
}

int main(int argc, char **argv)
{
    const char *question = argc > 1 ? argv[1] : "";
    if (strcmp(question, "secure") == 0)
        return printf("%lu\n", getauxval(AT_SECURE)) < 0;
    if (strcmp(question, "children") == 0)
        return children();
    if (strcmp(question, "loaded") == 0 && argc > 2)
        return loaded(argv[2]);
    if (strcmp(question, "arguments") == 0)
        return arguments(argc, argv);
    fprintf(stderr, "probe: what?\n");
    return 2;
}
