// Credentials belong to every kernel thread of a process: setgid and seteuid with threads that are parked, that run, and that
// call it themselves. Every task of the process must have the new ids, and the call must come back.
// (As root the ids change; as anybody else they are set to what they are.)
#include "oracle.h"
#include <dirent.h>

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

static bool all_tasks_now_have(const char *field, unsigned effective)
{
    DIR *tasks = opendir("/proc/self/task");
    MUST(tasks != NULL);
    bool all = true;
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[300], line[200];
        unsigned real, now;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *status = task->d_name[0] == '.' ? NULL : fopen(path, "r");
        while (status != NULL && fgets(line, sizeof line, status) != NULL)
            if (strncmp(line, field, 4) == 0 && sscanf(line + 4, "%u %u", &real, &now) == 2)
                all = all && now == effective;
        if (status != NULL)
            fclose(status);
    }
    closedir(tasks);
    return all;
}

// A task that is ending, which runs no code of the program any more, is given the time to go.
static bool all_tasks_have(const char *field, unsigned effective)
{
    bool all = all_tasks_now_have(field, effective);
    for (int i = 0; !all && i < 5; i++) {
        sleep_ms(20);
        all = all_tasks_now_have(field, effective);
    }
    return all;
}

static void *set_them(void *unused)
{
    unsigned gid = getgid() == 0 ? 12 : getgid(), uid = geteuid() == 0 ? 34 : geteuid();
    say("setegid: %d", setegid(gid));
    say("all tasks: %d", all_tasks_have("Gid:", gid));
    say("seteuid: %d", seteuid(uid));
    say("all tasks: %d", all_tasks_have("Uid:", uid));
    say("back: %d %d", seteuid(getuid()), setegid(getgid()));
    say("all tasks: %d", all_tasks_have("Uid:", getuid()));
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&never, 0, 0) == 0);
    for (int i = 0; i < 20; i++)
        MUST(pthread_detach(start(parked, NULL)) == 0);
    pthread_t busy = start(yielding, NULL);
    sleep_ms(20);
    set_them(NULL);
    finish(start(set_them, NULL));
    stop = true;
    finish(busy);
    return 0;
}
