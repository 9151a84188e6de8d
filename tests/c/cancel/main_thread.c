// The main thread is cancelled: it unwinds, its keys' destructors run, it can be joined, and the process goes on until its last thread
// ends. In a child each, because a main thread can be cancelled once.
#include "oracle.h"

static pthread_t main_thread;
static pthread_key_t key;
static sem_t never;

static void clean(void *unused)
{
    (void)unused;
    say("cleanup");
}

static void destroy(void *value)
{
    say("destructor of %s", (char *)value);
}

static void *cancel_it(void *unused)
{
    void *value;
    sleep_ms(SETTLE_MS);
    MUST(pthread_cancel(main_thread) == 0);
    int status = pthread_join(main_thread, &value);
    say("join: %s, cancelled %d", error_name(status), value == PTHREAD_CANCELED);
    finish(start(return_it, NULL));
    say("still here");
    return unused;
}

static void be_cancelled(int how)
{
    main_thread = pthread_self();
    MUST(pthread_setspecific(key, "main") == 0);
    pthread_t thread = start(cancel_it, NULL);
    pthread_cleanup_push(clean, NULL);
    switch (how) {
    case 0:
        for (;;)
            sleep_ms(1000);
    case 1:
        sem_wait(&never);
        break;
    case 2:
        pthread_join(thread, NULL);
        break;
    case 3:
        for (;;)
            pthread_testcancel();
    }
    pthread_cleanup_pop(0);
}

int main(void)
{
    begin();
    MUST(pthread_key_create(&key, destroy) == 0 && sem_init(&never, 0, 0) == 0);
    for (int how = 0; how < 4; how++) {
        pid_t child = fork();
        if (child == 0) {
            begin();
            be_cancelled(how);
            _exit(7);
        }
        say_child("child", child);
    }
    be_cancelled(0);
    return 3;
}
