// A read-write lock in shared memory, held by the parent, waited for by children.
#include "oracle.h"

struct shared {
    pthread_rwlock_t lock;
    int value;
};

static struct shared *shared;

static void *add(void *unused)
{
    for (int i = 0; i < 50; i++) {
        MUST(pthread_rwlock_wrlock(&shared->lock) == 0);
        shared->value++;
        MUST(pthread_rwlock_unlock(&shared->lock) == 0);
    }
    return unused;
}

int main(void)
{
    begin();
    pthread_rwlockattr_t attributes;
    pid_t children[3];
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(shared != MAP_FAILED);
    MUST(pthread_rwlockattr_init(&attributes) == 0);
    MUST(pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
    MUST(pthread_rwlock_init(&shared->lock, &attributes) == 0);
    finish(start(return_it, NULL));
    MUST(pthread_rwlock_rdlock(&shared->lock) == 0);
    for (int i = 0; i < 3; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            begin();
            pthread_t first = start(add, NULL), second = start(add, NULL);
            finish(first);
            finish(second);
            _exit(0);
        }
    }
    sleep_ms(30);
    say("while the parent reads: %d", shared->value);
    MUST(pthread_rwlock_unlock(&shared->lock) == 0);
    for (int i = 0; i < 3; i++)
        say_child("child", children[i]);
    say("value %d", shared->value);
    return 0;
}
