// Spin locks: short sections, no waiting inside. trylock answers EBUSY.
#include "oracle.h"

static pthread_spinlock_t lock;
static int counter;

static void *count(void *unused)
{
    for (int i = 0; i < 1000; i++) {
        MUST(pthread_spin_lock(&lock) == 0);
        counter++;
        MUST(pthread_spin_unlock(&lock) == 0);
        if (i % 100 == 0)
            sched_yield();
    }
    return unused;
}

int main(void)
{
    begin();
    pthread_t threads[8];
    MUST(pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE) == 0);
    for (int i = 0; i < 8; i++)
        threads[i] = start(count, NULL);
    for (int i = 0; i < 8; i++)
        finish(threads[i]);
    say("counter: %d", counter);
    say_error("trylock", pthread_spin_trylock(&lock));
    say_error("trylock again", pthread_spin_trylock(&lock));
    say_error("unlock", pthread_spin_unlock(&lock));
    return 0;
}
