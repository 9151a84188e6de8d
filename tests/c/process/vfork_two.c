// Several threads have a vfork child at the same time, and a vfork child has one of its own: each thread is held by its own
// child only, and can be signalled, joined and waited for as ever.
#include "oracle.h"

enum { THREADS = 4 };

static int meet[THREADS][2];
static volatile int nested_seen;
static volatile int handled;

static void handler(int signal_number)
{
    (void)signal_number;
    handled++;
}

// Each child tells the next one that it is there, and waits to be told: all are there at once.
static void *body(void *number)
{
    int me = (int)(intptr_t)number, next = (me + 1) % THREADS;
    for (int i = 0; i < 5; i++) {
        volatile bool met = false;
        pid_t child = vfork();
        MUST(child >= 0);
        if (child == 0) {
            char byte = 'm';
            met = write(meet[next][1], &byte, 1) == 1 && read(meet[me][0], &byte, 1) == 1;
            if (i % 2)
                execl("/bin/true", "true", (char *)NULL);
            _exit(0);
        }
        MUST(met);
        int status;
        MUST(waitpid(child, &status, 0) == child && status == 0);
    }
    return NULL;
}

static void *nested(void *unused)
{
    volatile pid_t inner = 0;
    pid_t child = vfork();
    if (child == 0) {
        pid_t grandchild = vfork();
        if (grandchild == 0) {
            nested_seen = 1;
            _exit(2);
        }
        nested_seen += 10;
        inner = grandchild;
        int status = 0;
        waitpid(grandchild, &status, 0);
        _exit(WEXITSTATUS(status) + 1);
    }
    say("nested: %d, %d", nested_seen, inner > 0);
    say_child("nested", child);
    return unused;
}

// Forks in its vfork child: that one has memory of its own.
static void *forks(void *unused)
{
    volatile int mine = 1;
    pid_t child = vfork();
    if (child == 0) {
        pid_t grandchild = fork();
        if (grandchild == 0) {
            alarm(15);
            mine = 2;
            finish(start(return_it, NULL));
            _exit(mine);
        }
        int status = 0;
        waitpid(grandchild, &status, 0);
        _exit(WEXITSTATUS(status) + 1);
    }
    say("forks: %d", mine);
    say_child("forks", child);
    return unused;
}

static int there[2], go[2];

static void *slow_child(void *unused)
{
    pid_t child = vfork();
    if (child == 0) {
        char byte = 'x';
        _exit(write(there[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1);
    }
    say("signalled while it was held: %d", handled);
    say_child("slow", child);
    return unused;
}

int main(void)
{
    begin();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        MUST(pipe(meet[i]) == 0);
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = start(body, (void *)i);
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    say("all met");
    finish(start(nested, NULL));
    nested(NULL);
    finish(start(forks, NULL));
    forks(NULL);
    handle(SIGUSR1, handler, SA_RESTART);
    char byte = 'x';
    MUST(pipe(there) == 0 && pipe(go) == 0);
    pthread_t slow = start(slow_child, NULL);
    MUST(read(there[0], &byte, 1) == 1);
    MUST(pthread_kill(slow, SIGUSR1) == 0);
    say_error("tryjoin", pthread_tryjoin_np(slow, NULL));
    MUST(write(go[1], &byte, 1) == 1);
    finish(slow);
    return 0;
}
