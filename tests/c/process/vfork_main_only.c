// Children of a process that has had threads but has none any more, by each of fork, vfork, system, posix_spawn.
#include "oracle.h"

#include <spawn.h>

extern char **environ;

int main(void)
{
    begin();
    char *arguments[] = {"sh", "-c", "exit 4", NULL};
    for (int i = 0; i < 10; i++)
        finish(start(return_it, NULL));
    pid_t child = fork();
    if (child == 0)
        _exit(1);
    say_child("fork", child);
    child = vfork();
    if (child == 0)
        _exit(2);
    say_child("vfork", child);
    say("system: %d", WEXITSTATUS(system("exit 3")));
    MUST(posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ) == 0);
    say_child("posix_spawn", child);
    return 0;
}
