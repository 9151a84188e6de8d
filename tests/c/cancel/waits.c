// A thread cancelled in the waits that are not for a descriptor: sleeps, semaphores, joins, children, signals.
#include "oracle.h"

static sem_t arrived, never;
static pthread_t parked;
static pid_t child;

static void clean(void *what)
{
    say("cleanup: %s", (char *)what);
}

static void wait_in_nanosleep(void)
{
    struct timespec span = {.tv_sec = 100};
    say_call("never", nanosleep(&span, NULL));
}

static void wait_in_clock_nanosleep(void)
{
    struct timespec when = in_ms(CLOCK_MONOTONIC, 100000);
    say_error("never", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL));
}

static void wait_in_sleep(void)
{
    say_call("never", sleep(100));
}

static void wait_in_usleep(void)
{
    say_call("never", usleep(100000000));
}

static void wait_in_sem_wait(void)
{
    say_call("never", sem_wait(&never));
}

static void wait_in_sem_timedwait(void)
{
    struct timespec when = in_ms(CLOCK_REALTIME, 100000);
    say_call("never", sem_timedwait(&never, &when));
}

static void wait_in_join(void)
{
    say_error("never", pthread_join(parked, NULL));
}

static void wait_in_waitpid(void)
{
    say_call("never", waitpid(child, NULL, 0));
}

static void wait_in_pause(void)
{
    say_call("never", pause());
}

static void wait_in_poll(void)
{
    say_call("never", poll(NULL, 0, 100000));
}

static const struct {
    const char *name;
    void (*wait)(void);
} waits[] = {
    {"nanosleep", wait_in_nanosleep}, {"clock_nanosleep", wait_in_clock_nanosleep},
    {"sleep", wait_in_sleep},         {"usleep", wait_in_usleep},
    {"sem_wait", wait_in_sem_wait},   {"sem_timedwait", wait_in_sem_timedwait},
    {"join", wait_in_join},           {"waitpid", wait_in_waitpid},
    {"pause", wait_in_pause},         {"poll of nothing", wait_in_poll},
};

static void *body(void *which)
{
    intptr_t i = (intptr_t)which;
    pthread_cleanup_push(clean, (void *)waits[i].name);
    MUST(sem_post(&arrived) == 0);
    waits[i].wait();
    pthread_cleanup_pop(0);
    return NULL;
}

static void *park(void *unused)
{
    MUST(sem_wait(&never) == 0);
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0 && sem_init(&never, 0, 0) == 0);
    parked = start(park, NULL);
    child = fork();
    if (child == 0) {
        alarm(15);
        for (;;)
            pause();
    }
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        pthread_t thread = start(body, (void *)i);
        MUST(sem_wait(&arrived) == 0);
        sleep_ms(20);
        int error = pthread_cancel(thread);
        void *value = finish(thread);
        say("%s: %s, cancelled: %d", waits[i].name, error_name(error), value == PTHREAD_CANCELED);
    }
    MUST(kill(child, SIGKILL) == 0);
    say_child("the child is still ours", child);
    MUST(sem_post(&never) == 0);
    say("the joined one is still joinable: %d", finish(parked) == NULL);
    return 0;
}
