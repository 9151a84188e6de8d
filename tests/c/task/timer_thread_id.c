// Timers that tell one thread by its id: the thread itself, another, nobody; and one on a thread's own CPU time. The signal
// is blocked everywhere: only the thread that it is for can wait for it.
#include "oracle.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static sem_t ready, go;
static _Atomic pid_t tid;
static sigset_t set;

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

static int told(long ms)
{
    struct timespec span = span_ms(ms);
    siginfo_t info;
    int got = sigtimedwait(&set, &info, &span);
    return got == SIGUSR1 && info.si_code == SI_TIMER;
}

static void *for_itself(void *unused)
{
    timer_t timer;
    tid = gettid();
    say_call("for itself", make(&timer, CLOCK_MONOTONIC, tid));
    arm(timer);
    say("told: %d", told(5000));
    MUST(timer_delete(timer) == 0);
    say_call("on its own time", make(&timer, CLOCK_THREAD_CPUTIME_ID, tid));
    arm(timer);
    say("told while it sleeps: %d", told(50));
    long long until = now_ns(CLOCK_THREAD_CPUTIME_ID) + 30000000;
    while (now_ns(CLOCK_THREAD_CPUTIME_ID) < until)
        ;
    say("told after it has computed: %d", told(5000));
    MUST(timer_delete(timer) == 0);
    return unused;
}

static void *for_another(void *unused)
{
    tid = gettid();
    MUST(sem_post(&ready) == 0);
    MUST(sem_wait(&go) == 0);
    say("told: %d", told(5000));
    return unused;
}

int main(void)
{
    begin();
    timer_t timer;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    MUST(sem_init(&ready, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);
    finish(start(for_itself, NULL));
    pthread_t thread = start(for_another, NULL);
    MUST(sem_wait(&ready) == 0);
    settle();
    say_call("for another", make(&timer, CLOCK_MONOTONIC, tid));
    arm(timer);
    settle();
    say("main is told: %d", told(0));
    MUST(sem_post(&go) == 0);
    finish(thread);
    MUST(timer_delete(timer) == 0);
    say_call("for nobody", make(&timer, CLOCK_MONOTONIC, 0x3ffffff0));
    return 0;
}
