// The main thread is cancelled where no hook is: while it computes, cancellable at any moment; inside a call that libc makes
// itself (the opening of a named pipe); and by what such a call, or the change of type, finds already there. It ends as by any
// other cancellation: cleanup handlers, destructors of keys, its joiner, and the process with its last thread. In a child each.
#include "oracle.h"

static pthread_t main_thread;
static pthread_key_t early, late;
static sem_t ready, cancelled;
static char fifo[64];

static void clean(void *unused)
{
    (void)unused;
    say("cleanup");
}

// The early key is older than any of the library's, the late one younger. One asks for each round that there is.
static void destroy(void *value)
{
    static int rounds;
    say("destructor: %s, round %d", (char *)value, ++rounds);
    MUST(pthread_setspecific(early, value) == 0);
}

static void destroy_late(void *value)
{
    say("destructor: %s", (char *)value);
}

static void *cancel_it(void *first)
{
    void *value;
    if (first) {
        MUST(pthread_cancel(main_thread) == 0);
        MUST(sem_post(&cancelled) == 0);
    } else {
        MUST(sem_wait(&ready) == 0);
        sleep_ms(SETTLE_MS);
        MUST(pthread_cancel(main_thread) == 0);
    }
    int status = pthread_join(main_thread, &value);
    say("join: %s, cancelled %d", error_name(status), value == PTHREAD_CANCELED);
    finish(start(return_it, NULL));
    say("still here");
    return NULL;
}

static void open_it(void)
{
    say_call("open", open(fifo, O_RDONLY));
}

static void be_cancelled(int how)
{
    main_thread = pthread_self();
    MUST(sem_init(&ready, 0, 0) == 0 && sem_init(&cancelled, 0, 0) == 0);
    MUST(pthread_setspecific(early, "early") == 0);
    pthread_t thread;
    pthread_cleanup_push(clean, NULL);
    switch (how) {
    case 0:
        thread = start(cancel_it, NULL);
        MUST(pthread_key_create(&late, destroy_late) == 0 && pthread_setspecific(late, "late") == 0);
        MUST(sem_post(&ready) == 0);
        MUST(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL) == 0);
        for (volatile unsigned count = 0;; count++)
            ;
    case 1:
        thread = start(cancel_it, NULL);
        MUST(sem_post(&ready) == 0);
        open_it();
        break;
    case 2:
        MUST(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL) == 0);
        thread = start(cancel_it, (void *)1);
        MUST(sem_wait(&cancelled) == 0);
        MUST(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL) == 0);
        open_it();
        break;
    case 3:
        MUST(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL) == 0);
        thread = start(cancel_it, (void *)1);
        MUST(sem_wait(&cancelled) == 0);
        MUST(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL) == 0);
        MUST(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL) == 0);
        break;
    case 4:
        thread = start(return_it, NULL);
        finish(thread);
        MUST(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL) == 0);
        MUST(pthread_cancel(main_thread) == 0);
    }
    pthread_cleanup_pop(0);
}

int main(void)
{
    begin();
    MUST(pthread_key_create(&early, destroy) == 0);
    snprintf(fifo, sizeof fifo, "/tmp/main_unhooked.%d", (int)getpid());
    MUST(fresh_fifo(fifo));
    for (int how = 0; how < 5; how++) {
        say("way %d", how);
        pid_t child = fork();
        if (child == 0) {
            begin();
            be_cancelled(how);
            say("not cancelled");
            _exit(7);
        }
        say_child("child", child);
    }
    MUST(unlink(fifo) == 0);
    be_cancelled(0);
    return 3;
}
