// What the kernel is asked about a thread by its id, its own and another's, by libc and by system call.
#include "oracle.h"

#include <sched.h>
#include <sys/resource.h>

static sem_t ready, go;
static _Atomic pid_t tid;

static void ask(const char *who, pid_t id)
{
    cpu_set_t mine, theirs;
    struct sched_param param = {.sched_priority = 9};
    struct timespec slice;
    say("%s:", who);
    MUST(sched_getaffinity(0, sizeof mine, &mine) == 0);
    memset(&theirs, 0xff, sizeof theirs);
    say_call("  sched_getaffinity", sched_getaffinity(id, sizeof theirs, &theirs));
    say("  the same: %d", CPU_EQUAL(&mine, &theirs) != 0);
    say_call("  raw", syscall(SYS_sched_getaffinity, id, sizeof theirs, &theirs));
    say_call("  too small", sched_getaffinity(id, 1, &theirs));
    say_call("  sched_getscheduler", sched_getscheduler(id));
    say_call("  sched_getparam", sched_getparam(id, &param));
    say("  priority %d", param.sched_priority);
    say_call("  sched_rr_get_interval", sched_rr_get_interval(id, &slice));
    errno = 0;
    say("  getpriority: %d, %s", getpriority(PRIO_PROCESS, (id_t)id), error_name(errno));
    say_call("  raw", syscall(SYS_getpriority, PRIO_PROCESS, id));
    say_call("  ioprio_get", syscall(SYS_ioprio_get, 1, id));
    say_call("  tkill with 0", syscall(SYS_tkill, id, 0));
    say_call("  tgkill with 0", syscall(SYS_tgkill, getpid(), id, 0));
    say_call("  no such size of param", sched_setscheduler(id, SCHED_OTHER, &(struct sched_param){.sched_priority = 5}));
    say_call("  the same policy", sched_setscheduler(id, SCHED_OTHER, &(struct sched_param){0}));
    say_call("  the same param", sched_setparam(id, &(struct sched_param){0}));
    say_call("  the same priority", setpriority(PRIO_PROCESS, (id_t)id, getpriority(PRIO_PROCESS, (id_t)id)));
    say_call("  the same affinity", sched_setaffinity(id, sizeof theirs, &mine));
}

static void *waits(void *unused)
{
    tid = gettid();
    MUST(sem_post(&ready) == 0);
    MUST(sem_wait(&go) == 0);
    return unused;
}

static void *asks(void *unused)
{
    ask("by 0", 0);
    ask("by its id", gettid());
    ask("another", tid);
    ask("main", getpid());
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&ready, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);
    pthread_t thread = start(waits, NULL);
    MUST(sem_wait(&ready) == 0);
    ask("from main", tid);
    finish(start(asks, NULL));
    MUST(sem_post(&go) == 0);
    finish(thread);
    ask("nobody", 0x3ffffff0);
    ask("negative", -5);
    return 0;
}
