// Who may hold a read-write lock together with whom, and what each refusal is called.
#include "oracle.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static void *attempts(void *unused)
{
    struct timespec past = {.tv_sec = 1}, wrong = {.tv_nsec = 1000000000}, soon = in_ms(CLOCK_REALTIME, 20);
    struct timespec monotonic = in_ms(CLOCK_MONOTONIC, 20);
    int error = pthread_rwlock_tryrdlock(&lock);
    say_error("  tryrdlock", error);
    if (error == 0)
        MUST(pthread_rwlock_unlock(&lock) == 0);
    say_error("  trywrlock", pthread_rwlock_trywrlock(&lock));
    error = pthread_rwlock_timedrdlock(&lock, &soon);
    say_error("  timedrdlock", error);
    if (error == 0)
        MUST(pthread_rwlock_unlock(&lock) == 0);
    say_error("  timedwrlock", pthread_rwlock_timedwrlock(&lock, &soon));
    say_error("  clockwrlock", pthread_rwlock_clockwrlock(&lock, CLOCK_MONOTONIC, &monotonic));
    say_error("  timedwrlock, long past", pthread_rwlock_timedwrlock(&lock, &past));
    say_error("  timedwrlock, no such time", pthread_rwlock_timedwrlock(&lock, &wrong));
    error = pthread_rwlock_clockrdlock(&lock, CLOCK_MONOTONIC, &wrong);
    say_error("  clockrdlock, no such time", error);
    if (error == 0)
        MUST(pthread_rwlock_unlock(&lock) == 0);
    say_error("  clockwrlock, no such clock", pthread_rwlock_clockwrlock(&lock, CLOCK_PROCESS_CPUTIME_ID, &soon));
    return unused;
}

int main(void)
{
    begin();
    say_error("rdlock", pthread_rwlock_rdlock(&lock));
    say_error("rdlock again", pthread_rwlock_rdlock(&lock));
    finish(start(attempts, NULL));
    say_error("unlock", pthread_rwlock_unlock(&lock));
    say_error("unlock", pthread_rwlock_unlock(&lock));
    say_error("wrlock", pthread_rwlock_wrlock(&lock));
    say_error("wrlock again", pthread_rwlock_wrlock(&lock));
    say_error("rdlock of my own", pthread_rwlock_rdlock(&lock));
    say_error("trywrlock", pthread_rwlock_trywrlock(&lock));
    finish(start(attempts, NULL));
    say_error("unlock", pthread_rwlock_unlock(&lock));
    say_error("trywrlock", pthread_rwlock_trywrlock(&lock));
    say_error("unlock", pthread_rwlock_unlock(&lock));
    say_error("destroy", pthread_rwlock_destroy(&lock));
    return 0;
}
