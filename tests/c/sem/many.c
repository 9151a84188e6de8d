// Fifty threads wait, posts come one by one and in bursts: as many get through as posts were made.
#include "oracle.h"

static sem_t gate, through;

static void *pass(void *unused)
{
    for (int i = 0; i < 20; i++) {
        MUST(sem_wait(&gate) == 0);
        MUST(sem_post(&through) == 0);
    }
    return unused;
}

int main(void)
{
    begin();
    pthread_t threads[50];
    int left;
    MUST(sem_init(&gate, 0, 0) == 0 && sem_init(&through, 0, 0) == 0);
    for (int i = 0; i < 50; i++)
        threads[i] = start(pass, NULL);
    for (int i = 0; i < 100; i++) {
        MUST(sem_post(&gate) == 0);
        MUST(sem_wait(&through) == 0);
    }
    for (int i = 0; i < 900; i++)
        MUST(sem_post(&gate) == 0);
    for (int i = 0; i < 900; i++)
        MUST(sem_wait(&through) == 0);
    for (int i = 0; i < 50; i++)
        finish(threads[i]);
    MUST(sem_getvalue(&gate, &left) == 0);
    say("left at the gate: %d", left);
    MUST(sem_getvalue(&through, &left) == 0);
    say("left behind it: %d", left);
    return 0;
}
