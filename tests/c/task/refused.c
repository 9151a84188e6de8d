// Without privilege the kernel refuses more than a thread has, to itself and to others; less is taken.
#include "oracle.h"

#include <sched.h>
#include <sys/fsuid.h>
#include <sys/resource.h>

static sem_t ready, go;
static _Atomic pid_t tid;

static void *waits(void *unused)
{
    tid = gettid();
    MUST(sem_post(&ready) == 0);
    MUST(sem_wait(&go) == 0);
    say("after all: nice %d, policy %d", getpriority(PRIO_PROCESS, 0), sched_getscheduler(0));
    return unused;
}

static void attempt(const char *who, pthread_t thread, pid_t id)
{
    struct sched_param one = {.sched_priority = 1};
    cpu_set_t none;
    CPU_ZERO(&none);
    say("%s:", who);
    say_error("  pthread_setschedparam", pthread_setschedparam(thread, SCHED_FIFO, &one));
    say_call("  sched_setscheduler", sched_setscheduler(id, SCHED_RR, &one));
    say_call("  sched_setscheduler, wrong", sched_setscheduler(id, 77, &one));
    say_call("  setpriority", setpriority(PRIO_PROCESS, (id_t)id, -5));
    say_call("  sched_setaffinity, nowhere", sched_setaffinity(id, sizeof none, &none));
    say_call("  sched_setaffinity, too small", sched_setaffinity(id, 0, &none));
    say_call("  ioprio_set, real time", syscall(SYS_ioprio_set, 1, id, 1 << 13));
    say_call("  setpriority, less", setpriority(PRIO_PROCESS, (id_t)id, 1));
    say_call("  setpriority, more again", setpriority(PRIO_PROCESS, (id_t)id, 0));
}

static void *on_itself(void *unused)
{
    say_call("nice", nice(-1));
    say_call("nice 0", nice(0));
    say_call("setns", setns(-1, 0));
    say_call("unshare", unshare(CLONE_NEWNS));
    setfsuid(0);
    say("setfsuid: %d", setfsuid((uid_t)-1) != 0);
    attempt("itself", pthread_self(), 0);
    say_call("nice", nice(1));
    say_call("nice", nice(100));
    return unused;
}

int main(void)
{
    begin();
    struct rlimit none = {0};
    MUST(setrlimit(RLIMIT_RTPRIO, &none) == 0 && setrlimit(RLIMIT_NICE, &none) == 0);
    if (getuid() == 0)
        MUST(setgid(65534) == 0 && setuid(65534) == 0);
    MUST(sem_init(&ready, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);
    pthread_t thread = start(waits, NULL);
    MUST(sem_wait(&ready) == 0);
    attempt("another", thread, tid);
    finish(start(on_itself, NULL));
    attempt("main", pthread_self(), getpid());
    MUST(sem_post(&go) == 0);
    finish(thread);
    return 0;
}
