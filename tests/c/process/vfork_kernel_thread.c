// vfork and fork by a thread that has a kernel thread of its own: it holds a robust mutex, or asked for a scheduling policy.
#include "oracle.h"

#include <sched.h>

static int ends[2];

static void *reader(void *unused)
{
    char byte;
    while (recv(ends[0], &byte, 1, 0) == 1)
        MUST(send(ends[0], &byte, 1, 0) == 1);
    return unused;
}

static void children(const char *who)
{
    volatile int written = 0;
    pid_t child = vfork();
    if (child == 0) {
        written = 1;
        for (int fd = 3; fd < 50; fd++)
            close(fd);
        execl("/bin/sh", "sh", "-c", "exit 2", (char *)NULL);
        _exit(127);
    }
    char byte = 'b';
    MUST(send(ends[1], &byte, 1, 0) == 1 && recv(ends[1], &byte, 1, 0) == 1);
    say("%s: written %d", who, written);
    say_child("vfork", child);
    child = fork();
    if (child == 0) {
        begin();
        MUST(finish(start(return_it, (void *)3)) == (void *)3);
        usleep(100);
        _exit(4);
    }
    say_child("fork", child);
}

static void *robust(void *unused)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t mutex;
    MUST(pthread_mutexattr_init(&attributes) == 0);
    MUST(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
    MUST(pthread_mutex_init(&mutex, &attributes) == 0 && pthread_mutex_lock(&mutex) == 0);
    children("holds a robust mutex");
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

static void *with_policy(void *unused)
{
    children("has a policy");
    return unused;
}

int main(void)
{
    begin();
    stream_pair(ends);
    pthread_t reading = start(reader, NULL), thread;
    finish(start(robust, NULL));
    pthread_attr_t attributes;
    struct sched_param lowest = {.sched_priority = 1};
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED) == 0);
    MUST(pthread_attr_setschedpolicy(&attributes, SCHED_RR) == 0);
    MUST(pthread_attr_setschedparam(&attributes, &lowest) == 0);
    // Refused to most users.
    if (pthread_create(&thread, &attributes, with_policy, NULL) == 0)
        finish(thread);
    MUST(shutdown(ends[1], SHUT_RDWR) == 0);
    finish(reading);
    say("the reader has ended");
    return 0;
}
