// A process-shared mutex in shared memory: four processes with three threads each count together.
#include "oracle.h"

enum { PROCESSES = 4, THREADS = 3, ROUNDS = 300 };

struct shared {
    pthread_mutex_t mutex;
    int counter, inside, broken;
};

static struct shared *shared;

static void *count(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        MUST(pthread_mutex_lock(&shared->mutex) == 0);
        shared->broken += shared->inside++ != 0;
        shared->counter++;
        if (i % 100 == 0)
            usleep(100);
        shared->inside--;
        MUST(pthread_mutex_unlock(&shared->mutex) == 0);
    }
    return unused;
}

static void run_threads(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(count, NULL);
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
}

int main(void)
{
    begin();
    pthread_mutexattr_t attributes;
    pid_t children[PROCESSES];
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(shared != MAP_FAILED);
    MUST(pthread_mutexattr_init(&attributes) == 0);
    say_error("setpshared", pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
    MUST(pthread_mutex_init(&shared->mutex, &attributes) == 0);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            begin();
            run_threads();
            _exit(0);
        }
    }
    run_threads();
    for (int i = 0; i < PROCESSES; i++)
        say_child("child", children[i]);
    say("counter %d, two inside at once: %d", shared->counter, shared->broken);
    return 0;
}
