// errno belongs to the thread: untouched by a call that succeeds after a wait, and by what others do meanwhile.
#include "oracle.h"

static int pipe_ends[2];
static sem_t parked;

static void *reader(void *unused)
{
    char byte;
    errno = E2BIG;
    MUST(sem_post(&parked) == 0);
    say("after sem_post: %s", error_name(errno));
    ssize_t got = read(pipe_ends[0], &byte, 1);
    int after = errno;
    say("read %zd, errno still %s", got, error_name(after));
    errno = EXDEV;
    sleep_ms(10);
    say("after sleeping: %s", error_name(errno));
    got = read(-1, &byte, 1);
    say_call("read from nowhere", got);
    return unused;
}

static void *newcomer(void *unused)
{
    say("a new thread's errno: %s", error_name(errno));
    errno = ENOTTY;
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&parked, 0, 0) == 0);
    MUST(pipe(pipe_ends) == 0);
    pthread_t thread = start(reader, NULL);
    MUST(sem_wait(&parked) == 0);
    settle();
    errno = EDOM;
    MUST(write(pipe_ends[1], "x", 1) == 1);
    finish(thread);
    say("main's: %s", error_name(errno));
    finish(start(newcomer, NULL));
    finish(start(newcomer, NULL));
    say("main's: %s", error_name(errno));
    return 0;
}
