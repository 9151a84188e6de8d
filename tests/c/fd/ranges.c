// close_range and closefrom over numbers in which threads wait, two of them in one: each gets what comes for it.
#include "oracle.h"
#include <linux/close_range.h>

enum { PAIRS = 5, THREADS = PAIRS + 1 };

static sem_t arrived;
static int sum;

static void *reader(void *fd)
{
    char byte = 0;
    MUST(sem_post(&arrived) == 0);
    MUST(recv((int)(intptr_t)fd, &byte, 1, 0) == 1);
    __atomic_add_fetch(&sum, byte, __ATOMIC_SEQ_CST);
    return NULL;
}

static void run(const char *how)
{
    int near[PAIRS], far[PAIRS], ends[2], moved[2];
    pthread_t threads[THREADS];
    // The near ends in a row, above everything else.
    for (int i = 0; i < PAIRS; i++) {
        stream_pair(ends);
        near[i] = fcntl(ends[0], F_DUPFD, 100);
        far[i] = ends[1];
        MUST(near[i] == 100 + i && close(ends[0]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(reader, (void *)(intptr_t)near[i % PAIRS]);
    for (int i = 0; i < THREADS; i++)
        MUST(sem_wait(&arrived) == 0);
    settle();
    if (strcmp(how, "closefrom") == 0)
        closefrom(100);
    else
        say_call(how, close_range(100, 100 + PAIRS - 1, strcmp(how, "marked") == 0 ? CLOSE_RANGE_CLOEXEC : 0));
    say_call("the first", fcntl(100, F_GETFD));
    say_call("the last", fcntl(100 + PAIRS - 1, F_GETFD));
    stream_pair(moved);
    MUST(dup2(moved[0], 100) == 100);
    MUST(send(moved[1], "\100\100", 2, 0) == 2);
    sum = 0;
    for (int i = 0; i < THREADS; i++)
        MUST(send(far[i % PAIRS], &(char){(char)(i + 1)}, 1, 0) == 1);
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    say("%s: sum %d", how, sum);
    say_call("the end", send(far[1], "x", 1, MSG_NOSIGNAL));
    for (int i = 0; i < PAIRS; i++)
        MUST(close(far[i]) == 0);
    MUST(close(moved[0]) == 0 && close(moved[1]) == 0);
    close_range(100, 100 + PAIRS - 1, 0);
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    run("close_range");
    run("closefrom");
    run("marked");
    return 0;
}
