// exec from main and from a thread while others are parked: the new program has the same process id, the descriptors that are
// not close-on-exec, and no thread of ours; and, started anew, threads work in it too.
#include "oracle.h"

static void *parked(void *unused)
{
    sleep(100);
    return unused;
}

static void *exec_again(void *path)
{
    char id[20];
    snprintf(id, sizeof id, "%d", getpid());
    execl(path, path, "2", id, (char *)NULL);
    return NULL;
}

int main(int argc, char **argv)
{
    begin();
    int stage = argc > 1 ? atoi(argv[1]) : 0;
    say("stage %d, the same process: %d", stage, argc <= 2 || atoi(argv[2]) == getpid());
    for (int i = 0; i < 3; i++)
        start(parked, NULL);
    say("a thread: %ld", (long)(intptr_t)finish(start(return_it, (void *)9)));
    char id[20];
    snprintf(id, sizeof id, "%d", getpid());
    if (stage == 0) {
        MUST(dup2(STDOUT_FILENO, 77) == 77);
        MUST(dup3(STDOUT_FILENO, 78, O_CLOEXEC) == 78);
        execl("/nonexistent", "nonexistent", (char *)NULL);
        say("no such program: %s", error_name(errno));
        say("threads go on: %ld", (long)(intptr_t)finish(start(return_it, (void *)4)));
        execl("/proc/self/exe", argv[0], "1", id, (char *)NULL);
    }
    if (stage == 1) {
        say("descriptors: %d %d", fcntl(77, F_GETFD) != -1, fcntl(78, F_GETFD) != -1);
        finish(start(exec_again, "/proc/self/exe"));
    }
    execl("/bin/sh", "sh", "-c", "echo a shell at last; exit 0", (char *)NULL);
    return 1;
}
