// A barrier in shared memory between processes with threads; and one destroyed as soon as it opens.
#include "oracle.h"

enum { PROCESSES = 3, ROUNDS = 20 };

struct shared {
    pthread_barrier_t barrier;
    int arrived[ROUNDS];
};

static struct shared *shared;

static void *body(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        __atomic_add_fetch(&shared->arrived[i], 1, __ATOMIC_SEQ_CST);
        pthread_barrier_wait(&shared->barrier);
        MUST(__atomic_load_n(&shared->arrived[i], __ATOMIC_SEQ_CST) == 2 * PROCESSES);
    }
    return unused;
}

static void two_threads(void)
{
    pthread_t first = start(body, NULL), second = start(body, NULL);
    finish(first);
    finish(second);
}

static pthread_barrier_t *brief;

static void *meet(void *unused)
{
    if (pthread_barrier_wait(brief) == PTHREAD_BARRIER_SERIAL_THREAD) {
        MUST(pthread_barrier_destroy(brief) == 0);
        memset(brief, 0xff, sizeof *brief);
        free(brief);
    }
    return unused;
}

int main(void)
{
    begin();
    pthread_barrierattr_t attributes;
    pid_t children[PROCESSES - 1];
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(shared != MAP_FAILED);
    MUST(pthread_barrierattr_init(&attributes) == 0);
    MUST(pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
    MUST(pthread_barrier_init(&shared->barrier, &attributes, 2 * PROCESSES) == 0);
    for (int i = 0; i < PROCESSES - 1; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            begin();
            two_threads();
            _exit(0);
        }
    }
    two_threads();
    for (int i = 0; i < PROCESSES - 1; i++)
        say_child("child", children[i]);
    for (int round = 0; round < 50; round++) {
        brief = malloc(sizeof *brief);
        MUST(brief && pthread_barrier_init(brief, NULL, 4) == 0);
        pthread_t threads[4];
        for (int i = 0; i < 4; i++)
            threads[i] = start(meet, NULL);
        for (int i = 0; i < 4; i++)
            finish(threads[i]);
    }
    say("destroyed as it opens: 50 rounds");
    return 0;
}
