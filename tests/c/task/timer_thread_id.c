// Timers that tell one thread by its id: the thread itself, another, nobody; and one on a thread's own CPU time.
#include "oracle.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static sem_t ready, go;
static _Atomic pid_t tid;
static __thread volatile int counted;
static _Atomic int elsewhere;

static void handler(int unused)
{
    (void)unused;
    if (tid != gettid())
        elsewhere++;
    counted++;
}

static int make(timer_t *timer, clockid_t clock, pid_t id)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    event.sigev_notify_thread_id = id;
    return timer_create(clock, &event, timer);
}

static void arm(timer_t timer)
{
    struct itimerspec when = {.it_value = span_ms(10)};
    MUST(timer_settime(timer, 0, &when, NULL) == 0);
}

static void *for_itself(void *unused)
{
    timer_t timer;
    tid = gettid();
    say_call("for itself", make(&timer, CLOCK_MONOTONIC, tid));
    tid = gettid();
    arm(timer);
    while (!counted)
        usleep(1000);
    say("told: %d", counted);
    MUST(timer_delete(timer) == 0);
    say_call("on its own time", make(&timer, CLOCK_THREAD_CPUTIME_ID, tid));
    arm(timer);
    while (counted < 2)
        ;
    say("told: %d", counted);
    return unused;
}

static void *for_another(void *unused)
{
    tid = gettid();
    MUST(sem_post(&ready) == 0);
    while (sem_wait(&go) == -1)
        say("interrupted: %d", errno == EINTR);
    tid = gettid();
    while (!counted)
        usleep(1000);
    say("told: %d", counted);
    return unused;
}

int main(void)
{
    begin();
    timer_t timer;
    MUST(sem_init(&ready, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);
    handle(SIGUSR1, handler, SA_RESTART);
    finish(start(for_itself, NULL));
    pthread_t thread = start(for_another, NULL);
    MUST(sem_wait(&ready) == 0);
    say_call("for another", make(&timer, CLOCK_MONOTONIC, tid));
    MUST(sem_post(&go) == 0);
    settle();
    arm(timer);
    finish(thread);
    say_call("for nobody", make(&timer, CLOCK_MONOTONIC, 0x3ffffff0));
    say("told elsewhere: %d", elsewhere);
    say("main was told: %d", counted);
    return 0;
}
