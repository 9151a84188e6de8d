// A catch (...) that does not rethrow a cancellation ends the process: libstdc++ says so.
// ends: signal 6
#include "oracle.h"

static sem_t arrived;

static void *body(void *unused)
{
    try {
        MUST(sem_post(&arrived) == 0);
        sleep(100);
    } catch (...) {
        say("swallowed");
    }
    return unused;
}

int main()
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    pthread_t thread = start(body, nullptr);
    MUST(sem_wait(&arrived) == 0);
    MUST(pthread_cancel(thread) == 0);
    finish(thread);
    say("never");
    return 0;
}
