// What a thread with a kernel thread of its own can do: wait, be woken, time out, be signalled, be cancelled, fork, end.
#include "oracle.h"

#include <sys/resource.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t ready, never;
static int turn, ends[2];
static _Atomic int handled;

static _Atomic int bound, like_the_kernel;

static void become_bound(void)
{
    pid_t tid;
    MUST(setpriority(PRIO_PROCESS, 0, 1) == 0);
    __asm__ volatile("syscall" : "=a"(tid) : "0"(SYS_gettid) : "rcx", "r11", "memory");
    bound++;
    like_the_kernel += tid == gettid();
}

static void handler(int unused)
{
    (void)unused;
    handled++;
}

static void *takes_turns(void *mine)
{
    if ((intptr_t)mine == 0)
        become_bound();
    for (int i = 0; i < 200; i++) {
        MUST(pthread_mutex_lock(&mutex) == 0);
        while (turn != (intptr_t)mine)
            MUST(pthread_cond_wait(&cond, &mutex) == 0);
        turn = !turn;
        MUST(pthread_cond_broadcast(&cond) == 0);
        MUST(pthread_mutex_unlock(&mutex) == 0);
    }
    return mine;
}

static void *reads(void *unused)
{
    char byte = 0;
    become_bound();
    say_call("read", read(ends[0], &byte, 1));
    say("got %c", byte);
    return unused;
}

static void *is_interrupted(void *unused)
{
    become_bound();
    MUST(sem_post(&ready) == 0);
    while (!handled)
        say_call("sem_wait", sem_wait(&never));
    return unused;
}

static void *is_cancelled(void *how)
{
    char byte;
    become_bound();
    MUST(sem_post(&ready) == 0);
    switch ((intptr_t)how) {
    case 0: sem_wait(&never); break;
    case 1: (void)!read(ends[0], &byte, 1); break;
    case 2: sleep(10); break;
    }
    return NULL;
}

static void *in_child(void *value)
{
    return value;
}

static void *forks(void *unused)
{
    become_bound();
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        begin();
        MUST(gettid() == getpid());
        MUST(finish(start(in_child, &child)) == &child);
        say("child: nice %d", getpriority(PRIO_PROCESS, 0));
        _exit(7);
    }
    say_child("fork", child);
    return unused;
}

static void *times_out(void *unused)
{
    become_bound();
    struct timespec when = in_ms(CLOCK_REALTIME, 30);
    long long began = now_ns(CLOCK_MONOTONIC);
    say_call("sem_timedwait", sem_timedwait(&never, &when));
    say_took("  that", began, 29);
    began = now_ns(CLOCK_MONOTONIC);
    sleep_ms(30);
    say_took("sleep", began, 30);
    return unused;
}

static void *ends_soon(void *detached)
{
    become_bound();
    if (detached)
        MUST(sem_post(&ready) == 0);
    return detached;
}

int main(void)
{
    begin();
    MUST(sem_init(&ready, 0, 0) == 0 && sem_init(&never, 0, 0) == 0 && pipe(ends) == 0);
    handle(SIGUSR1, handler, 0);
    pthread_t a = start(takes_turns, (void *)0), b = start(takes_turns, (void *)1);
    finish(a);
    say("turns taken: %d", finish(b) == (void *)1);
    a = start(reads, NULL);
    settle();
    MUST(write(ends[1], "x", 1) == 1);
    finish(a);
    a = start(is_interrupted, NULL);
    MUST(sem_wait(&ready) == 0);
    settle();
    MUST(pthread_kill(a, SIGUSR1) == 0);
    finish(a);
    say("handled: %d", handled);
    for (intptr_t how = 0; how < 3; how++) {
        a = start(is_cancelled, (void *)how);
        MUST(sem_wait(&ready) == 0);
        sleep_ms(10);
        say_error("cancel", pthread_cancel(a));
        say("cancelled: %d", finish(a) == PTHREAD_CANCELED);
    }
    finish(start(times_out, NULL));
    finish(start(forks, NULL));
    for (int i = 0; i < 30; i++) {
        a = start(ends_soon, i % 2 ? &ready : NULL);
        if (i % 2) {
            MUST(pthread_detach(a) == 0);
            MUST(sem_wait(&ready) == 0);
        } else {
            finish(a);
        }
    }
    say("all ended: %d, known by the kernel's id: %d", bound, like_the_kernel);
    say("main: nice %d", getpriority(PRIO_PROCESS, 0));
    return 0;
}
