// fork from main while threads are parked: the child has the caller alone, can make threads again, and the parent's go on.
#include "oracle.h"

static int ends[2];
static sem_t arrived;
static int finished;

static void *parked(void *unused)
{
    char byte;
    MUST(sem_post(&arrived) == 0);
    MUST(read(ends[0], &byte, 1) == 1);
    __atomic_add_fetch(&finished, 1, __ATOMIC_SEQ_CST);
    return unused;
}

static void *work(void *value)
{
    sleep_ms(2);
    return value;
}

static int in_child(void)
{
    long sum = 0;
    pthread_t threads[10];
    begin();
    say("child: main is itself: %d", gettid() == getpid());
    for (intptr_t i = 0; i < 10; i++)
        threads[i] = start(work, (void *)i);
    for (int i = 0; i < 10; i++)
        sum += (intptr_t)finish(threads[i]);
    sleep_ms(10);
    say("child: sum %ld, the parent's threads finished here: %d", sum, finished);
    pid_t grandchild = fork();
    if (grandchild == 0) {
        alarm(15);
        say("grandchild: %ld", (long)(intptr_t)finish(start(work, (void *)5)));
        _exit(6);
    }
    say_child("grandchild", grandchild);
    return 7;
}

int main(void)
{
    begin();
    pthread_t threads[5];
    MUST(pipe(ends) == 0 && sem_init(&arrived, 0, 0) == 0);
    for (int i = 0; i < 5; i++)
        threads[i] = start(parked, NULL);
    for (int i = 0; i < 5; i++)
        MUST(sem_wait(&arrived) == 0);
    settle();
    pid_t child = fork();
    if (child == 0)
        _exit(in_child());
    say_child("child", child);
    MUST(write(ends[1], "12345", 5) == 5);
    for (int i = 0; i < 5; i++)
        finish(threads[i]);
    say("parent: finished %d", finished);
    child = fork();
    if (child == 0)
        exit(8);
    say_child("a second child, that leaves by exit", child);
    return 0;
}
