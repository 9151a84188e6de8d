// A timer's signal that every thread blocks, awaited by the thread that made the timer: sent to the process, and to that thread.
// Each way again and again, by a thread that has waited before and by one that has not; at last by main, to which another thread
// may also point its timer while main waits. And what another thread sends reaches one that waits for its timer.
#include "../oracle.h"

static void await_timer(int notify, long ns)
{
    timer_t timer;
    siginfo_t info;
    sigset_t set;
    struct sigevent event = {.sigev_notify = notify, .sigev_signo = SIGRTMIN + 1, .sigev_value.sival_ptr = &timer};
    struct itimerspec when = {.it_value.tv_nsec = ns};
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    if (notify == SIGEV_THREAD_ID)
        event._sigev_un._tid = gettid();
    MUST(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    MUST(timer_settime(timer, 0, &when, NULL) == 0);
    int number = sigwaitinfo(&set, &info);
    say("%s: %s, code %d, its timer %d", notify == SIGEV_SIGNAL ? "process" : "thread", number == SIGRTMIN + 1 ? "awaited" : "not awaited",
        info.si_code, info.si_value.sival_ptr == &timer);
    MUST(timer_delete(timer) == 0);
}

static void *await_some(void *argument)
{
    int notify = *(int *)argument;
    await_timer(notify, 1000000);
    await_timer(notify, 1);
    await_timer(SIGEV_SIGNAL, 1000000);
    await_timer(SIGEV_SIGNAL, 1);
    return NULL;
}

static void *point_at_main(void *timer)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 1, ._sigev_un._tid = getpid()};
    struct itimerspec when = {.it_value.tv_nsec = 1000000};
    settle();
    MUST(timer_create(CLOCK_MONOTONIC, &event, timer) == 0);
    MUST(timer_settime(*(timer_t *)timer, 0, &when, NULL) == 0);
    return NULL;
}

static void *send_main(void *main_thread)
{
    settle();
    MUST(pthread_kill(*(pthread_t *)main_thread, SIGRTMIN + 1) == 0);
    settle();
    MUST(pthread_sigqueue(*(pthread_t *)main_thread, SIGRTMIN + 1, (union sigval){.sival_int = 5}) == 0);
    settle();
    MUST(kill(getpid(), SIGRTMIN + 1) == 0);
    return NULL;
}

static void await_others(void)
{
    sigset_t set;
    siginfo_t info;
    timer_t timer;
    struct timespec brief = span_ms(30);
    pthread_t me = pthread_self(), thread = start(point_at_main, &timer);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    say("another's timer: awaited %d", sigwaitinfo(&set, &info) == SIGRTMIN + 1);
    finish(thread);
    MUST(timer_delete(timer) == 0);
    say_call("nothing", sigtimedwait(&set, NULL, &brief));
    thread = start(send_main, &me);
    for (int i = 0; i < 3; i++) {
        MUST(sigwaitinfo(&set, &info) == SIGRTMIN + 1);
        say("sent: code %d, value %d", info.si_code, info.si_code == SI_QUEUE ? info.si_value.sival_int : 0);
    }
    finish(thread);
}

int main(void)
{
    int ways[] = {SIGEV_SIGNAL, SIGEV_THREAD_ID};
    sigset_t all;
    begin();
    sigemptyset(&all);
    sigaddset(&all, SIGRTMIN + 1);
    MUST(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
    for (int i = 0; i < 4; i++) {
        pthread_t thread;
        MUST(pthread_create(&thread, NULL, await_some, &ways[i % 2]) == 0);
        MUST(pthread_join(thread, NULL) == 0);
    }
    await_some(&ways[1]);
    await_others();
    return 0;
}
