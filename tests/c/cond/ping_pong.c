// Ten thousand hand-overs between two threads over two conditions.
#include "oracle.h"

enum { ROUNDS = 10000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t conds[2] = {PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER};
static int turn, moves[2];

static void *player(void *argument)
{
    int me = (int)(intptr_t)argument;
    MUST(pthread_mutex_lock(&mutex) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        while (turn != me)
            MUST(pthread_cond_wait(&conds[me], &mutex) == 0);
        moves[me]++;
        turn = 1 - me;
        MUST(pthread_cond_signal(&conds[turn]) == 0);
    }
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return NULL;
}

int main(void)
{
    begin();
    pthread_t first = start(player, (void *)0), second = start(player, (void *)1);
    finish(first);
    finish(second);
    say("moves: %d %d", moves[0], moves[1]);
    return 0;
}
