// A handler forks while its thread waits: in the child, too, the handler returns into the call, which ends there or goes on as it does in
// the parent.
#include "oracle.h"

enum { LONG_MS = 4 * SETTLE_MS };

static __thread volatile pid_t child;
static __thread volatile bool is_child;
static int ends[2];
static sem_t about_to, *shared;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void fork_here(int unused)
{
    (void)unused;
    pid_t made = fork();
    if (made == 0)
        is_child = true;
    else
        child = made;
}

static long in_read(void)
{
    char byte;
    return read(ends[0], &byte, 1);
}

static long in_poll(void)
{
    struct pollfd end = {ends[0], POLLIN, 0};
    return poll(&end, 1, LONG_MS);
}

static long in_nanosleep(void)
{
    struct timespec span = span_ms(LONG_MS);
    return nanosleep(&span, NULL);
}

static long in_sem_wait(void)
{
    return sem_wait(shared);
}

static long in_pause(void)
{
    return pause();
}

static long in_sigsuspend(void)
{
    sigset_t none;
    sigemptyset(&none);
    return sigsuspend(&none);
}

static long in_sigtimedwait(void)
{
    sigset_t other;
    sigemptyset(&other);
    sigaddset(&other, SIGUSR2);
    struct timespec span = span_ms(LONG_MS);
    return sigtimedwait(&other, NULL, &span);
}

static long in_mutex(void)
{
    struct timespec until = in_ms(CLOCK_REALTIME, LONG_MS);
    return pthread_mutex_timedlock(&mutex, &until);
}

static const struct call {
    const char *name;
    long (*wait)(void);
} CALLS[] = {
    {"poll", in_poll},
    {"nanosleep", in_nanosleep},
    {"pause", in_pause},
    {"sigsuspend", in_sigsuspend},
    {"sigtimedwait", in_sigtimedwait},
    {"pthread_mutex_timedlock", in_mutex},
    {"sem_wait", in_sem_wait},
    {"read", in_read},
};

static void *waits(void *of)
{
    const struct call *call = of;
    MUST(sem_post(&about_to) == 0);
    long result = call->wait();
    if (is_child) {
        say_call("in the child", result);
        _exit(3);
    }
    int status;
    MUST(waitpid(child, &status, 0) == child);
    say_call("in the parent", result);
    say("the child ended by %d", WEXITSTATUS(status));
    return of;
}

static void fork_in(const struct call *call)
{
    say("%s", call->name);
    pthread_t thread = start(waits, (void *)call);
    while (sem_wait(&about_to) != 0)
        MUST(errno == EINTR);
    settle();
    MUST(pthread_kill(thread, SIGUSR1) == 0);
    if (call->wait == in_read) {
        sleep_ms(10);
        MUST(write(ends[1], "xx", 2) == 2);
    }
    finish(thread);
}

int main(void)
{
    begin();
    MUST(pipe(ends) == 0 && sem_init(&about_to, 0, 0) == 0);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(shared != MAP_FAILED && sem_init(shared, 1, 0) == 0);
    MUST(pthread_mutex_lock(&mutex) == 0);
    handle(SIGUSR1, fork_here, 0);
    for (const struct call *call = CALLS; call->wait != in_read; call++)
        fork_in(call);
    say("restarting");
    handle(SIGUSR1, fork_here, SA_RESTART);
    for (const struct call *call = CALLS; call < CALLS + sizeof CALLS / sizeof *CALLS; call++)
        if (call->wait != in_sem_wait)
            fork_in(call);
    return 0;
}
