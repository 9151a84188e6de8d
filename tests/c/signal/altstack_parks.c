// Two threads park at the same time inside handlers on their own alternate stacks, and go on; the rules of sigaltstack there.
#include "oracle.h"

enum { SIZE = 64 * 1024, THREADS = 4, ROUNDS = 3 };

static sem_t inside, go[ROUNDS];
static __thread char *mine;
static __thread volatile int depth, round;

static void handler(int unused)
{
    char here[256];
    stack_t now, other = {.ss_flags = SS_DISABLE};
    (void)unused;
    memset(here, depth, sizeof here);
    MUST(here >= mine && here < mine + SIZE);
    MUST(sigaltstack(NULL, &now) == 0);
    MUST(now.ss_flags == SS_ONSTACK && now.ss_sp == mine);
    MUST(sigaltstack(&other, NULL) == -1 && errno == EPERM);
    MUST(sem_post(&inside) == 0);
    while (sem_wait(&go[round]) != 0)
        MUST(errno == EINTR);
    for (size_t i = 0; i < sizeof here; i++)
        MUST(here[i] == (char)depth);
    depth += 100;
    round++;
}

static void *body(void *index)
{
    stack_t stack = {.ss_size = SIZE};
    stack.ss_sp = mine = malloc(SIZE);
    MUST(mine && sigaltstack(&stack, NULL) == 0);
    depth = (int)(intptr_t)index;
    for (int i = 0; i < ROUNDS; i++)
        MUST(raise(SIGUSR1) == 0);
    MUST(depth == (int)(intptr_t)index + 100 * ROUNDS);
    stack.ss_flags = SS_DISABLE;
    MUST(sigaltstack(&stack, NULL) == 0);
    free(mine);
    return NULL;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    stack_t wrong = {.ss_sp = &action, .ss_size = 100}, bad = {.ss_flags = 77, .ss_size = SIZE};
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    MUST(sem_init(&inside, 0, 0) == 0);
    for (int i = 0; i < ROUNDS; i++)
        MUST(sem_init(&go[i], 0, 0) == 0);
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = start(body, (void *)i);
    for (int turn = 0; turn < ROUNDS; turn++) {
        for (int i = 0; i < THREADS; i++)
            MUST(sem_wait(&inside) == 0);
        for (int i = 0; i < THREADS; i++)
            MUST(sem_post(&go[turn]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    say_call("too small", sigaltstack(&wrong, NULL));
    say_call("wrong flags", sigaltstack(&bad, NULL));
    say("all rounds");
    return 0;
}
