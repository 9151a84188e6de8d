// Eight threads fork at the same time, again and again, while others lock, allocate, and wait: no child finds a lock of the
// library or of malloc held for good.
#include "oracle.h"

enum { FORKERS = 8, EACH = 4 };

static bool stop;
static int right;

static void *churn(void *unused)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        MUST(pthread_mutex_lock(&mutex) == 0);
        free(malloc(100));
        MUST(pthread_mutex_unlock(&mutex) == 0);
        usleep(50);
    }
    return unused;
}

static void *forker(void *unused)
{
    for (int i = 0; i < EACH; i++) {
        pid_t child = fork();
        MUST(child >= 0);
        if (child == 0) {
            alarm(15);
            free(malloc(1000));
            usleep(100);
            finish(start(return_it, NULL));
            _exit(5);
        }
        int status;
        MUST(waitpid(child, &status, 0) == child);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 5)
            __atomic_add_fetch(&right, 1, __ATOMIC_SEQ_CST);
    }
    return unused;
}

int main(void)
{
    begin();
    pthread_t churners[3], forkers[FORKERS];
    for (int i = 0; i < 3; i++)
        churners[i] = start(churn, NULL);
    for (int i = 0; i < FORKERS; i++)
        forkers[i] = start(forker, NULL);
    for (int i = 0; i < FORKERS; i++)
        finish(forkers[i]);
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 3; i++)
        finish(churners[i]);
    say("right: %d of %d", right, FORKERS * EACH);
    return 0;
}
