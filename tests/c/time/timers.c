// POSIX timers: by signal, by a thread that libc makes for it, told by sigwaitinfo; overruns and deletion.
#include "oracle.h"

static sem_t expired;
static volatile sig_atomic_t handled;

static void handler(int unused)
{
    (void)unused;
    handled++;
}

static void in_thread(union sigval value)
{
    sleep_ms(1);
    MUST(sem_post(value.sival_ptr) == 0);
}

static timer_t make(int how, int signal_number)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = how, .sigev_signo = signal_number};
    if (how == SIGEV_THREAD) {
        event.sigev_notify_function = in_thread;
        event.sigev_value.sival_ptr = &expired;
    }
    MUST(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    return timer;
}

static void arm(timer_t timer, long first_ms, long interval_ms)
{
    struct itimerspec when = {.it_value = span_ms(first_ms), .it_interval = span_ms(interval_ms)};
    MUST(timer_settime(timer, 0, &when, NULL) == 0);
}

int main(void)
{
    begin();
    sigset_t set;
    MUST(sem_init(&expired, 0, 0) == 0);
    finish(start(return_it, NULL));

    timer_t by_thread = make(SIGEV_THREAD, 0);
    arm(by_thread, 10, 10);
    for (int i = 0; i < 3; i++)
        MUST(sem_wait(&expired) == 0);
    say("by thread: three expirations");
    say_call("delete", timer_delete(by_thread));

    handle(SIGUSR1, handler, 0);
    timer_t by_signal = make(SIGEV_SIGNAL, SIGUSR1);
    arm(by_signal, 10, 0);
    while (!handled)
        sleep_ms(1);
    say("by signal: %d", (int)handled);
    struct itimerspec now;
    MUST(timer_gettime(by_signal, &now) == 0);
    say("disarmed: %d", now.it_value.tv_sec == 0 && now.it_value.tv_nsec == 0);
    say_call("delete", timer_delete(by_signal));

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    timer_t waited_for = make(SIGEV_SIGNAL, SIGUSR2);
    siginfo_t info;
    arm(waited_for, 10, 0);
    say_call("sigwaitinfo", sigwaitinfo(&set, &info) == SIGUSR2);
    say("from a timer: %d", info.si_code == SI_TIMER);
    say_call("delete", timer_delete(waited_for));
    return 0;
}
