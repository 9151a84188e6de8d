// libc calls that hand a thread's id to the kernel: they work for a thread that has none.
#include "oracle.h"

#include <sched.h>

static sem_t arrived, leave;

static void *wait_here(void *unused)
{
    MUST(sem_post(&arrived) == 0);
    MUST(sem_wait(&leave) == 0);
    return unused;
}

static void ask_about(const char *who, pthread_t thread)
{
    cpu_set_t mine, process;
    struct sched_param parameters = {.sched_priority = 77};
    clockid_t clock;
    struct timespec used = {.tv_sec = -1};
    int policy = -1;
    say("%s:", who);
    CPU_ZERO(&mine);
    say_error("  getaffinity", pthread_getaffinity_np(thread, sizeof mine, &mine));
    MUST(sched_getaffinity(0, sizeof process, &process) == 0);
    say("  as the process: %d", CPU_EQUAL(&mine, &process) != 0);
    say_error("  getschedparam", pthread_getschedparam(thread, &policy, &parameters));
    say("  policy %d, priority %d", policy, parameters.sched_priority);
    say_error("  setschedparam to the same", pthread_setschedparam(thread, policy, &parameters));
    say_error("  setschedparam, no such priority",
              pthread_setschedparam(thread, SCHED_OTHER, &(struct sched_param){.sched_priority = 50}));
    say_error("  setschedprio", pthread_setschedprio(thread, 0));
    say_error("  getcpuclockid", pthread_getcpuclockid(thread, &clock));
    say_call("  clock_gettime of it", clock_gettime(clock, &used));
    say("  plausible: %d", used.tv_sec >= 0 && used.tv_sec < 15);
    say_error("  kill with 0", pthread_kill(thread, 0));
    say_error("  kill with 9999", pthread_kill(thread, 9999));
}

static void *ask_about_myself(void *unused)
{
    struct timespec used;
    ask_about("a thread about itself", pthread_self());
    say_call("  CLOCK_THREAD_CPUTIME_ID", clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used));
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0 && sem_init(&leave, 0, 0) == 0);
    pthread_t thread = start(wait_here, NULL);
    MUST(sem_wait(&arrived) == 0);
    ask_about("main", pthread_self());
    ask_about("a parked thread", thread);
    MUST(sem_post(&leave) == 0);
    finish(thread);
    finish(start(ask_about_myself, NULL));
    return 0;
}
