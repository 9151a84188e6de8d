// A condition in shared memory: parent and child hand a turn back and forth.
#include "oracle.h"

enum { ROUNDS = 200 };

struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int turn, moves[2];
};

static struct shared *shared;

static void *play(void *argument)
{
    int me = (int)(intptr_t)argument;
    MUST(pthread_mutex_lock(&shared->mutex) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        while (shared->turn != me)
            MUST(pthread_cond_wait(&shared->cond, &shared->mutex) == 0);
        shared->moves[me]++;
        shared->turn = 1 - me;
        MUST(pthread_cond_broadcast(&shared->cond) == 0);
    }
    MUST(pthread_mutex_unlock(&shared->mutex) == 0);
    return NULL;
}

int main(void)
{
    begin();
    pthread_mutexattr_t for_mutex;
    pthread_condattr_t for_cond;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(shared != MAP_FAILED);
    MUST(pthread_mutexattr_init(&for_mutex) == 0 && pthread_condattr_init(&for_cond) == 0);
    MUST(pthread_mutexattr_setpshared(&for_mutex, PTHREAD_PROCESS_SHARED) == 0);
    MUST(pthread_condattr_setpshared(&for_cond, PTHREAD_PROCESS_SHARED) == 0);
    MUST(pthread_mutex_init(&shared->mutex, &for_mutex) == 0);
    MUST(pthread_cond_init(&shared->cond, &for_cond) == 0);
    pid_t child = fork();
    if (child == 0) {
        begin();
        finish(start(play, (void *)1));
        _exit(0);
    }
    finish(start(play, (void *)0));
    say_child("child", child);
    say("moves: %d %d", shared->moves[0], shared->moves[1]);
    return 0;
}
