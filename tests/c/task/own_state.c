// A thread changes what the kernel keeps for it alone: its id is then the kernel's, and no other thread has the change.
#include "oracle.h"

#include <sched.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { CHANGES = 12, OTHERS = 4 };

static pid_t kernel_tid(void)
{
    pid_t tid;
    __asm__ volatile("syscall" : "=a"(tid) : "0"(SYS_gettid) : "rcx", "r11", "memory");
    return tid;
}

static int first_cpu(void)
{
    cpu_set_t all;
    MUST(syscall(SYS_sched_getaffinity, 0, sizeof all, &all) > 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all))
            return cpu;
    return -1;
}

// Everything that a change below could have spread, as one number.
static unsigned long state(void)
{
    unsigned long h = 0;
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    MUST(sched_getaffinity(0, sizeof cpus, &cpus) == 0);
    h = h * 131 + (unsigned long)CPU_COUNT(&cpus);
    h = h * 131 + (unsigned long)getpriority(PRIO_PROCESS, 0);
    h = h * 131 + (unsigned long)sched_getscheduler(0);
    h = h * 131 + (unsigned long)prctl(PR_GET_TIMERSLACK);
    h = h * 131 + (unsigned long)prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    h = h * 131 + (unsigned long)prctl(PR_GET_KEEPCAPS);
    h = h * 131 + (unsigned long)setfsuid((uid_t)-1);
    h = h * 131 + (unsigned long)setfsgid((gid_t)-1);
    h = h * 131 + (unsigned long)syscall(SYS_ioprio_get, 1, 0);
    h = h * 131 + (unsigned long)syscall(SYS_personality, 0xffffffffUL);
    mode_t mask = umask(022);
    umask(mask);
    return h * 131 + mask;
}

static const char *change(intptr_t which)
{
    cpu_set_t one;
    struct sched_param none = {0};
    CPU_ZERO(&one);
    CPU_SET(first_cpu(), &one);
    switch (which) {
    case 0: MUST(sched_setaffinity(0, sizeof one, &one) == 0); return "sched_setaffinity";
    case 1: MUST(setpriority(PRIO_PROCESS, 0, 7) == 0); return "setpriority";
    case 2: MUST(setpriority(PRIO_PROCESS, (id_t)gettid(), 5) == 0); return "setpriority by id";
    case 3: MUST(nice(3) == 3); return "nice";
    case 4: MUST(sched_setscheduler(0, SCHED_BATCH, &none) == 0); return "sched_setscheduler";
    case 5: MUST(prctl(PR_SET_TIMERSLACK, 12345UL) == 0); return "timer slack";
    case 6: MUST(prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == 0); return "no new privileges";
    case 7: MUST(unshare(CLONE_FS) == 0 && umask(077) != 077); return "unshare";
    case 8: MUST(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6) == 0); return "ioprio_set";
    case 9: MUST(syscall(SYS_sched_setaffinity, gettid(), sizeof one, &one) == 0); return "raw sched_setaffinity";
    case 10: MUST(syscall(SYS_setpriority, PRIO_PROCESS, 0, 4) == 0); return "raw setpriority";
    default: MUST(syscall(SYS_personality, 0x0040000UL) != -1); return "raw personality";
    }
}

static sem_t step;
static pthread_barrier_t meet;
static unsigned long before_all;

static void *changes(void *which)
{
    bool kept = true, own = true;
    MUST(state() == before_all);
    const char *what = change((intptr_t)which);
    unsigned long mine = state();
    pid_t id = gettid();
    for (int i = 0; i < 20; i++) {
        usleep(200);
        kept &= state() == mine;
        own &= gettid() == id && kernel_tid() == id && syscall(SYS_gettid) == id;
    }
    say("%s: changed %d, kept %d, the kernel's id %d", what, mine != before_all, kept, own);
    MUST(sem_post(&step) == 0);
    pthread_barrier_wait(&meet);
    return NULL;
}

static _Atomic bool ended;

static void *looks_on(void *unused)
{
    intptr_t differed = 0;
    (void)unused;
    while (!ended) {
        differed += state() != before_all;
        usleep(100);
    }
    return (void *)differed;
}

int main(void)
{
    begin();
    pthread_t threads[CHANGES], others[OTHERS];
    MUST(sem_init(&step, 0, 0) == 0 && pthread_barrier_init(&meet, NULL, CHANGES + 1) == 0);
    umask(022);
    before_all = state();
    for (int i = 0; i < OTHERS; i++)
        others[i] = start(looks_on, NULL);
    for (intptr_t i = 0; i < CHANGES; i++) {
        threads[i] = start(changes, (void *)i);
        MUST(sem_wait(&step) == 0);
    }
    say("main has changed: %d", state() != before_all);
    pthread_barrier_wait(&meet);
    for (int i = 0; i < CHANGES; i++)
        finish(threads[i]);
    ended = true;
    intptr_t differed = 0;
    for (int i = 0; i < OTHERS; i++)
        differed += (intptr_t)finish(others[i]);
    say("seen by others: %s", differed ? "yes" : "no");
    return 0;
}
