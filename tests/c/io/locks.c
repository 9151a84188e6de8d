// File locks between threads of one process (flock, open file description locks) and between processes (POSIX): the waiter
// waits in the kernel, and the holder must get to run to let go.
#include "oracle.h"

#include <sys/file.h>

static char name[] = "/tmp/greenlet-oracle-XXXXXX";
static sem_t arrived;

static void *wait_for_flock(void *unused)
{
    int fd = open(name, O_RDWR);
    MUST(fd >= 0);
    say_call("flock, not waiting", flock(fd, LOCK_EX | LOCK_NB));
    MUST(sem_post(&arrived) == 0);
    MUST(flock(fd, LOCK_EX) == 0);
    say("the waiter has it");
    MUST(close(fd) == 0);
    return unused;
}

static void *wait_for_description_lock(void *unused)
{
    int fd = open(name, O_RDWR);
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    MUST(fd >= 0);
    say_call("description lock, not waiting", fcntl(fd, F_OFD_SETLK, &all));
    MUST(sem_post(&arrived) == 0);
    MUST(fcntl(fd, F_OFD_SETLKW, &all) == 0);
    say("the waiter has it");
    MUST(close(fd) == 0);
    return unused;
}

static void *wait_for_process_lock(void *unused)
{
    int fd = open(name, O_RDWR);
    MUST(fd >= 0);
    say_call("lockf, not waiting", lockf(fd, F_TLOCK, 0));
    MUST(sem_post(&arrived) == 0);
    MUST(lockf(fd, F_LOCK, 0) == 0);
    say("the waiter has it");
    return unused;
}

static void with_process(int fd)
{
    int ready[2];
    char byte;
    MUST(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        begin();
        MUST(lockf(fd, F_LOCK, 0) == 0);
        MUST(write(ready[1], "r", 1) == 1);
        sleep_ms(3 * SETTLE_MS);
        _exit(0);
    }
    MUST(read(ready[0], &byte, 1) == 1);
    pthread_t thread = start(wait_for_process_lock, NULL);
    MUST(sem_wait(&arrived) == 0);
    say("others run meanwhile: %ld", (long)(intptr_t)finish(start(return_it, (void *)1)));
    finish(thread);
    say_child("child", child);
}

int main(void)
{
    begin();
    int fd = mkstemp(name);
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    MUST(fd >= 0 && sem_init(&arrived, 0, 0) == 0);
    MUST(flock(fd, LOCK_EX) == 0);
    pthread_t thread = start(wait_for_flock, NULL);
    MUST(sem_wait(&arrived) == 0);
    settle();
    say("let go");
    MUST(flock(fd, LOCK_UN) == 0);
    finish(thread);
    MUST(fcntl(fd, F_OFD_SETLK, &all) == 0);
    thread = start(wait_for_description_lock, NULL);
    MUST(sem_wait(&arrived) == 0);
    settle();
    say("let go");
    all.l_type = F_UNLCK;
    MUST(fcntl(fd, F_OFD_SETLK, &all) == 0);
    finish(thread);
    with_process(fd);
    MUST(unlink(name) == 0);
    return 0;
}
