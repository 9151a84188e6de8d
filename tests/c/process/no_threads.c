// A program that never makes a thread: everything is as if the library were not there.
#include "oracle.h"

int main(void)
{
    begin();
    int ends[2];
    char byte = 0;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    MUST(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(5);
        MUST(write(ends[1], "k", 1) == 1);
        _exit(3);
    }
    say_call("read", read(ends[0], &byte, 1));
    say_child("child", child);
    say_error("lock", pthread_mutex_lock(&mutex));
    say_error("unlock", pthread_mutex_unlock(&mutex));
    say_call("usleep", usleep(1000));
    say("main: %d", gettid() == getpid());
    int task_count = 0;
    char path[64];
    for (int id = getpid(); id < getpid() + 20; id++) {
        snprintf(path, sizeof path, "/proc/%d/task/%d", getpid(), id);
        task_count += access(path, F_OK) == 0;
    }
    say("kernel threads: %d", task_count);
    return 0;
}
