// Main changes what the kernel keeps for it, and is changed by a thread: it is still the process's first thread, waits and is
// woken as before, and nobody else is changed.
#include "oracle.h"

#include <sched.h>
#include <sys/resource.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t asks, answers, go;
static int turn;
static _Atomic int handled, handled_elsewhere;
static pthread_t main_thread;

static void handler(int unused)
{
    (void)unused;
    handled++;
    handled_elsewhere += !pthread_equal(pthread_self(), main_thread);
}

static void *looks(void *unused)
{
    cpu_set_t mine, now;
    MUST(sched_getaffinity(0, sizeof mine, &mine) == 0);
    while (sem_wait(&asks) == 0 && turn >= 0) {
        MUST(sched_getaffinity(0, sizeof now, &now) == 0);
        say("another thread: as before %d, nice %d", CPU_EQUAL(&mine, &now) != 0, getpriority(PRIO_PROCESS, 0));
        MUST(sem_post(&answers) == 0);
    }
    return unused;
}

static void *changes_main(void *unused)
{
    say_call("by its id", setpriority(PRIO_PROCESS, (id_t)getpid(), 3));
    say_error("by its handle", pthread_setschedparam(main_thread, SCHED_BATCH, &(struct sched_param){0}));
    return unused;
}

static void *takes_turns(void *unused)
{
    for (int i = 0; i < 100; i++) {
        MUST(pthread_mutex_lock(&mutex) == 0);
        while (turn != 1)
            MUST(pthread_cond_wait(&cond, &mutex) == 0);
        turn = 0;
        MUST(pthread_cond_signal(&cond) == 0 && pthread_mutex_unlock(&mutex) == 0);
    }
    return unused;
}

static void *survives(void *unused)
{
    MUST(sem_wait(&go) == 0);
    settle();
    say("the last thread ends the process");
    return unused;
}

static void ask_another(void)
{
    MUST(sem_post(&asks) == 0);
    while (sem_wait(&answers) == -1)
        ;
}

int main(void)
{
    begin();
    cpu_set_t one, now;
    main_thread = pthread_self();
    MUST(sem_init(&asks, 0, 0) == 0 && sem_init(&answers, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);
    handle(SIGUSR1, handler, SA_RESTART);
    pthread_t other = start(looks, NULL), turns = start(takes_turns, NULL), last = start(survives, NULL);
    MUST(pthread_detach(last) == 0);

    finish(start(changes_main, NULL));
    say("main: nice %d, policy %d", getpriority(PRIO_PROCESS, 0), sched_getscheduler(0));
    ask_another();

    MUST(sched_getaffinity(0, sizeof now, &now) == 0);
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
        if (CPU_ISSET(cpu, &now))
            CPU_SET(cpu, &one);
    say_call("affinity", sched_setaffinity(0, sizeof one, &one));
    MUST(pthread_getaffinity_np(main_thread, sizeof now, &now) == 0);
    say("told back: %d", CPU_EQUAL(&one, &now) != 0);
    ask_another();
    pid_t tid;
    __asm__ volatile("syscall" : "=a"(tid) : "0"(SYS_gettid) : "rcx", "r11", "memory");
    say("the process's first thread: %d %d", tid == getpid(), gettid() == getpid());

    for (int i = 0; i < 100; i++) {
        MUST(pthread_mutex_lock(&mutex) == 0);
        turn = 1;
        MUST(pthread_cond_signal(&cond) == 0);
        while (turn != 0)
            MUST(pthread_cond_wait(&cond, &mutex) == 0);
        MUST(pthread_mutex_unlock(&mutex) == 0);
    }
    finish(turns);
    say("turns taken");

    MUST(kill(getpid(), SIGUSR1) == 0);
    while (!handled)
        sleep_ms(1);
    say("handled: %d, elsewhere: %d", handled, handled_elsewhere);

    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        begin();
        MUST(sched_getaffinity(0, sizeof now, &now) == 0);
        say("child: %d, nice %d", CPU_EQUAL(&one, &now) != 0, getpriority(PRIO_PROCESS, 0));
        int here = 0;
        MUST(finish(start(return_it, &here)) == &here);
        _exit(0);
    }
    say_child("fork", child);
    turn = -1;
    MUST(sem_post(&asks) == 0);
    finish(other);
    MUST(sem_post(&go) == 0);
    pthread_exit(NULL);
}
