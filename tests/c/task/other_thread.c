// A thread's affinity, policy and priority are set by another: before it has begun, while it waits, while it computes, and
// after it has been told once.
#include "oracle.h"

#include <sched.h>
#include <sys/resource.h>

static cpu_set_t all, one;
static sem_t ready, go;
static _Atomic bool stop;
static pid_t tid;

static void set_up(void)
{
    MUST(sched_getaffinity(0, sizeof all, &all) == 0);
    CPU_ZERO(&one);
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--)
        if (CPU_ISSET(cpu, &all)) {
            CPU_SET(cpu, &one);
            break;
        }
}

static void look(const char *who)
{
    cpu_set_t now;
    struct sched_param param;
    int policy, elsewhere = 0;
    for (int i = 0; i < 10; i++) {
        elsewhere += !CPU_ISSET(sched_getcpu(), &one);
        usleep(100);
    }
    MUST(sched_getaffinity(0, sizeof now, &now) == 0);
    MUST(pthread_getschedparam(pthread_self(), &policy, &param) == 0);
    say("%s: affinity %d, elsewhere %d, policy %d, by id %d, nice %d", who, CPU_EQUAL(&now, &one) != 0, elsewhere, policy,
        sched_getscheduler(gettid()), getpriority(PRIO_PROCESS, 0));
}

static void *waits(void *unused)
{
    tid = gettid();
    MUST(sem_post(&ready) == 0);
    MUST(sem_wait(&go) == 0);
    look("waiting");
    return unused;
}

static void *begins(void *unused)
{
    cpu_set_t now;
    do
        MUST(sched_getaffinity(0, sizeof now, &now) == 0);
    while (!CPU_EQUAL(&now, &one));
    look("not begun");
    return unused;
}

static void *computes(void *unused)
{
    tid = gettid();
    MUST(sem_post(&ready) == 0);
    while (!stop)
        sched_yield();
    look("running");
    return unused;
}

static void *bystander(void *unused)
{
    cpu_set_t now;
    MUST(sched_getaffinity(0, sizeof now, &now) == 0);
    say("a bystander: affinity as before %d, nice %d", CPU_EQUAL(&now, &all) != 0, getpriority(PRIO_PROCESS, 0));
    return unused;
}

static void set_all(pthread_t thread)
{
    cpu_set_t none, got;
    CPU_ZERO(&none);
    say_error("no processor", pthread_setaffinity_np(thread, sizeof none, &none));
    say_error("affinity", pthread_setaffinity_np(thread, sizeof one, &one));
    say_error("policy", pthread_setschedparam(thread, SCHED_BATCH, &(struct sched_param){0}));
    say_error("get", pthread_getaffinity_np(thread, sizeof got, &got));
    say("told back: %d", CPU_EQUAL(&got, &one) != 0);
}

int main(void)
{
    begin();
    set_up();
    MUST(sem_init(&ready, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);

    pthread_t thread = start(begins, NULL);
    MUST(pthread_setaffinity_np(thread, sizeof one, &one) == 0);
    finish(thread);

    thread = start(waits, NULL);
    MUST(sem_wait(&ready) == 0);
    settle();
    set_all(thread);
    say_call("nice", setpriority(PRIO_PROCESS, (id_t)tid, 6));
    say_call("told back", getpriority(PRIO_PROCESS, (id_t)tid));
    say_error("priority", pthread_setschedprio(thread, 0));
    say_error("signal 0", pthread_kill(thread, 0));
    MUST(sem_post(&go) == 0);
    finish(thread);

    thread = start(computes, NULL);
    MUST(sem_wait(&ready) == 0);
    say_call("by id", sched_setaffinity(tid, sizeof one, &one));
    MUST(sched_setscheduler(tid, SCHED_BATCH, &(struct sched_param){0}) == 0);
    stop = true;
    finish(thread);
    finish(start(bystander, NULL));

    // One that ends before it could have moved anywhere. Of one that has ended libc knows the id 0, which to the kernel is the caller.
    for (int i = 0; i < 20; i++) {
        thread = start(return_it, NULL);
        int error = pthread_setaffinity_np(thread, sizeof one, &one);
        MUST(error == 0 || error == ESRCH);
        finish(thread);
    }
    // libc may find that it has ended after it has looked, and sets the caller's then.
    MUST(sched_setaffinity(0, sizeof all, &all) == 0);
    finish(start(bystander, NULL));
    return 0;
}
