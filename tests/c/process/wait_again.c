// A thread waits for one child after the other: whatever it does between two waits, the others are served during each. A child ends
// only when one of them has been.
#include "oracle.h"

enum { CHILDREN = 60 };

static int release[2];
static sem_t forked;

static void *releaser(void *unused)
{
    for (int i = 0; i < CHILDREN; i++) {
        MUST(sem_wait(&forked) == 0);
        usleep(5000);
        MUST(write(release[1], "x", 1) == 1);
    }
    return unused;
}

static void *look_and_sleep(void *us)
{
    MUST(waitpid(-1, NULL, WNOHANG) == -1);
    usleep((useconds_t)(intptr_t)us);
    return NULL;
}

int main(void)
{
    begin();
    MUST(pipe(release) == 0 && sem_init(&forked, 0, 0) == 0);
    pthread_t thread = start(releaser, NULL);
    for (intptr_t i = 0; i < CHILDREN; i++) {
        finish(start(look_and_sleep, (void *)(i % 7 * 100)));
        pid_t child = fork();
        MUST(child >= 0);
        if (child == 0) {
            char byte;
            _exit(read(release[0], &byte, 1) == 1 ? 7 : 1);
        }
        MUST(waitpid(-1, NULL, WNOHANG) == 0);
        int status;
        MUST(sem_post(&forked) == 0);
        MUST(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7);
    }
    finish(thread);
    say("%d children", CHILDREN);
    return 0;
}
