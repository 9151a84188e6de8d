// A change of ids is made once in each kernel thread: setuid(0) with a saved id of 0 makes the effective id 0, and the same call
// again, which is privileged then, would make all three 0. By main, by threads on every worker, by one whose descriptor shows
// its kernel id (it holds a robust lock), by one with an affinity, and when main has ended.
// (As root the ids change; as anybody else they are set to what they are.)
#include "oracle.h"
#include <dirent.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER, robust;
static volatile bool stop;
static sem_t never;

static void *parked(void *unused)
{
    sem_wait(&never);
    return unused;
}

static void *yielding(void *unused)
{
    while (!stop)
        sched_yield();
    return unused;
}

static bool all_tasks_now_have(const char *ids)
{
    DIR *tasks = opendir("/proc/self/task");
    MUST(tasks != NULL);
    bool all = true;
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[300], line[200];
        bool alive = true;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *status = task->d_name[0] == '.' ? NULL : fopen(path, "r");
        while (status != NULL && fgets(line, sizeof line, status) != NULL) {
            if (strncmp(line, "State:\tZ", 8) == 0)
                alive = false;
            if (alive && (strncmp(line, "Uid:", 4) == 0 || strncmp(line, "Gid:", 4) == 0))
                all = all && strncmp(line + 4, ids, strlen(ids)) == 0;
        }
        if (status != NULL)
            fclose(status);
    }
    closedir(tasks);
    return all;
}

// A task that is ending is given the time to go.
static bool all_tasks_have(int real, int effective, int saved)
{
    char ids[100];
    snprintf(ids, sizeof ids, "\t%d\t%d\t%d\t", real, effective, saved);
    bool all = all_tasks_now_have(ids);
    for (int i = 0; !all && i < 5; i++) {
        sleep_ms(20);
        all = all_tasks_now_have(ids);
    }
    return all;
}

static void change(const char *who)
{
    MUST(pthread_mutex_lock(&one_at_a_time) == 0);
    bool root = geteuid() == 0;
    int own = root ? 0 : (int)getuid(), other = root ? 34 : own;
    bool right = setresgid(other, other, own) == 0 && setresuid(other, other, own) == 0 && all_tasks_have(other, other, own);
    say("%s: once each: %d", who, right && setgid(own) == 0 && setuid(own) == 0 && all_tasks_have(other, own, own));
    say("%s: and back: %d", who, setresuid(own, own, own) == 0 && setresgid(own, own, own) == 0 && all_tasks_have(own, own, own));
    MUST(pthread_mutex_unlock(&one_at_a_time) == 0);
}

static void *in_turn(void *number)
{
    sched_yield();
    change("one of several");
    return number;
}

static void *with_robust_lock(void *unused)
{
    MUST(pthread_mutex_lock(&robust) == 0);
    change("bound");
    sleep_ms(100);
    MUST(pthread_mutex_unlock(&robust) == 0);
    return unused;
}

static void *with_affinity(void *unused)
{
    change("affine");
    return unused;
}

static pthread_t main_thread;

static void *after_main(void *unused)
{
    MUST(pthread_join(main_thread, NULL) == 0);
    pthread_t several[4];
    for (int i = 0; i < 4; i++)
        several[i] = start(in_turn, NULL);
    for (int i = 0; i < 4; i++)
        finish(several[i]);
    stop = true;
    exit(0);
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&never, 0, 0) == 0);
    pthread_mutexattr_t kind;
    MUST(pthread_mutexattr_init(&kind) == 0 && pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST) == 0);
    MUST(pthread_mutex_init(&robust, &kind) == 0);
    for (int i = 0; i < 10; i++)
        MUST(pthread_detach(start(parked, NULL)) == 0);
    MUST(pthread_detach(start(yielding, NULL)) == 0);
    change("main");
    pthread_t several[8];
    for (int i = 0; i < 8; i++)
        several[i] = start(in_turn, NULL);
    for (int i = 0; i < 8; i++)
        finish(several[i]);
    pthread_t bound = start(with_robust_lock, NULL);
    sleep_ms(50);
    change("main beside a bound one");
    finish(bound);

    cpu_set_t cpus;
    pthread_attr_t attributes;
    pthread_t affine;
    MUST(sched_getaffinity(0, sizeof cpus, &cpus) == 0);
    MUST(pthread_attr_init(&attributes) == 0 && pthread_attr_setaffinity_np(&attributes, sizeof cpus, &cpus) == 0);
    MUST(pthread_create(&affine, &attributes, with_affinity, NULL) == 0);
    finish(affine);

    main_thread = pthread_self();
    start(after_main, NULL);
    pthread_exit(NULL);
}
