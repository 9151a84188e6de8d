// Named semaphores: made once, opened by name in another process, unlinked while in use.
#include "oracle.h"

int main(void)
{
    begin();
    char name[64];
    int now;
    finish(start(return_it, NULL));
    snprintf(name, sizeof name, "/greenlet-oracle-%d", getpid());
    say("open what is not there: %s", sem_open(name, 0) == SEM_FAILED ? error_name(errno) : "opened");
    sem_t *there = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
    MUST(there != SEM_FAILED);
    sem_t *back = mmap(NULL, sizeof *back, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(back != MAP_FAILED && sem_init(back, 1, 0) == 0);
    say("make it again: %s", sem_open(name, O_CREAT | O_EXCL, 0600, 0) == SEM_FAILED ? error_name(errno) : "made");
    say("the same address twice: %d", sem_open(name, 0) == there);
    pid_t child = fork();
    if (child == 0) {
        begin();
        sem_t *mine = sem_open(name, 0);
        MUST(mine != SEM_FAILED);
        for (int i = 0; i < 100; i++) {
            MUST(sem_wait(mine) == 0);
            MUST(sem_post(back) == 0);
        }
        _exit(0);
    }
    for (int i = 0; i < 100; i++) {
        MUST(sem_post(there) == 0);
        MUST(sem_wait(back) == 0);
    }
    say_child("child", child);
    say_call("unlink", sem_unlink(name));
    say_call("unlink again", sem_unlink(name));
    say_call("post after unlink", sem_post(there));
    MUST(sem_getvalue(there, &now) == 0);
    say("value %d", now);
    say_call("close", sem_close(there));
    say_call("close", sem_close(there));
    return 0;
}
