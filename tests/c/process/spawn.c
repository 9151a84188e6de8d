// posix_spawn from threads: arguments, a pipe put at the child's output, attributes, and a program that is not there.
#include "oracle.h"

#include <spawn.h>

extern char **environ;

static void *body(void *number)
{
    int ends[2], status;
    char text[8], output[64] = "";
    pid_t child;
    posix_spawn_file_actions_t actions;
    snprintf(text, sizeof text, "%d", (int)(intptr_t)number);
    MUST(pipe2(ends, O_CLOEXEC) == 0);
    MUST(posix_spawn_file_actions_init(&actions) == 0);
    MUST(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) == 0);
    char *arguments[] = {"echo", "spawned", text, NULL};
    MUST(posix_spawnp(&child, "echo", &actions, NULL, arguments, environ) == 0);
    MUST(close(ends[1]) == 0);
    size_t length = 0;
    for (ssize_t got; (got = read(ends[0], output + length, sizeof output - length - 1)) > 0;)
        length += (size_t)got;
    MUST(waitpid(child, &status, 0) == child);
    MUST(close(ends[0]) == 0);
    MUST(posix_spawn_file_actions_destroy(&actions) == 0);
    char expected[64];
    snprintf(expected, sizeof expected, "spawned %s\n", text);
    return (void *)(intptr_t)(status == 0 && strcmp(output, expected) == 0);
}

int main(void)
{
    begin();
    pthread_t threads[10];
    int right = 0;
    for (intptr_t i = 0; i < 10; i++)
        threads[i] = start(body, (void *)i);
    for (int i = 0; i < 10; i++)
        right += finish(threads[i]) != NULL;
    say("right: %d", right);
    pid_t child;
    char *arguments[] = {"nonexistent", NULL};
    say_error("no such program", posix_spawn(&child, "/nonexistent", NULL, NULL, arguments, environ));
    posix_spawnattr_t attributes;
    sigset_t set;
    sigemptyset(&set);
    MUST(posix_spawnattr_init(&attributes) == 0);
    MUST(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK) == 0);
    MUST(posix_spawnattr_setpgroup(&attributes, 0) == 0 && posix_spawnattr_setsigmask(&attributes, &set) == 0);
    char *script[] = {"sh", "-c", "exit 6", NULL};
    MUST(posix_spawn(&child, "/bin/sh", NULL, &attributes, script, environ) == 0);
    say_child("own process group", child);
    return 0;
}
