// What another thread has lent from its stack is there in the child of a fork, until the child makes threads of its own: these get
// stacks that are empty of it, and the child may fork again.
#include "oracle.h"

enum { THREADS = 12 };

struct loan {
    char text[3000];
};

static sem_t given, over;
static struct loan *lent[THREADS];

static void *lend(void *number)
{
    struct loan loan = {.text = "lent"};
    snprintf(loan.text, sizeof loan.text, "lent by %ld", (long)(intptr_t)number);
    lent[(intptr_t)number] = &loan;
    MUST(sem_post(&given) == 0);
    while (sem_wait(&over) != 0)
        MUST(errno == EINTR);
    return number;
}

static __thread char fresh[2000];

static void *use(void *number)
{
    char mine[4000];
    bool empty = true;
    for (size_t i = 0; i < sizeof fresh; i++)
        empty = empty && fresh[i] == 0;
    memset(fresh, 1, sizeof fresh);
    memset(mine, (int)(intptr_t)number, sizeof mine);
    usleep(1000);
    bool kept = true;
    for (size_t i = 0; i < sizeof mine; i++)
        kept = kept && mine[i] == (char)(intptr_t)number;
    return (void *)(intptr_t)(empty && kept);
}

static void live(const char *who)
{
    pthread_t threads[3 * THREADS];
    int right = 0;
    for (intptr_t i = 0; i < 3 * THREADS; i++)
        threads[i] = start(use, (void *)i);
    for (int i = 0; i < 3 * THREADS; i++)
        right += (intptr_t)finish(threads[i]) != 0;
    say("%s: %d threads right", who, right);
}

static void *borrow(void *unused)
{
    char own[500];
    strcpy(own, "the forking thread's own");
    pid_t child = fork();
    if (child == 0) {
        begin();
        for (int i = 0; i < THREADS; i++)
            say("child reads: %s", lent[i]->text);
        live("child");
        pid_t grandchild = fork();
        if (grandchild == 0) {
            begin();
            live("grandchild");
            say("grandchild: %s", own);
            _exit(0);
        }
        say_child("grandchild", grandchild);
        live("child again");
        say("child: %s", own);
        _exit(0);
    }
    say_child("child", child);
    return unused;
}

int main(void)
{
    begin();
    pthread_t lenders[THREADS];
    MUST(sem_init(&given, 0, 0) == 0 && sem_init(&over, 0, 0) == 0);
    for (intptr_t i = 0; i < THREADS; i++)
        lenders[i] = start(lend, (void *)i);
    for (int i = 0; i < THREADS; i++)
        MUST(sem_wait(&given) == 0);
    finish(start(borrow, NULL));
    for (int i = 0; i < THREADS; i++)
        say("parent reads: %s", lent[i]->text);
    for (int i = 0; i < THREADS; i++)
        MUST(sem_post(&over) == 0);
    for (int i = 0; i < THREADS; i++)
        finish(lenders[i]);
    live("parent");
    return 0;
}
