// What a handler is told: who sent, how, and with which value; and what it interrupted was masked like.
#include "oracle.h"

static volatile sig_atomic_t came;
static siginfo_t last;
static sigset_t mask_then;

static void handler(int unused, siginfo_t *info, void *context)
{
    (void)unused;
    last = *info;
    memcpy(&mask_then, &((ucontext_t *)context)->uc_sigmask, 8);
    came = 1;
}

static void say_it(const char *what)
{
    for (int i = 0; i < 2000 && !came; i++)
        sleep_ms(1);
    say("%s: number %d code %d, from me %d, mine %d, value %d; SIGHUP masked %d, itself %d", what, last.si_signo, last.si_code,
        last.si_pid == getpid(), last.si_uid == getuid(), last.si_code == SI_QUEUE ? last.si_value.sival_int : 0,
        sigismember(&mask_then, SIGHUP), sigismember(&mask_then, SIGUSR1));
    came = 0;
}

static void *idle(void *unused)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    while (usleep(1000000) != 0)
        continue;
    return unused;
}

static void *sender(void *to_main)
{
    union sigval value = {.sival_int = 5};
    settle();
    if (to_main)
        MUST(sigqueue(getpid(), SIGUSR1, value) == 0);
    else
        MUST(kill(getpid(), SIGUSR1) == 0);
    return NULL;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    union sigval value = {.sival_int = 42};
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    MUST(sigaction(SIGALRM, &action, NULL) == 0);
    pthread_t thread = start(idle, NULL);
    settle();
    MUST(pthread_kill(thread, SIGUSR1) == 0);
    say_it("pthread_kill, parked");
    MUST(pthread_sigqueue(thread, SIGUSR1, value) == 0);
    say_it("pthread_sigqueue, parked");
    finish(thread);
    MUST(raise(SIGUSR1) == 0);
    say_it("raise");
    MUST(kill(getpid(), SIGUSR1) == 0);
    say_it("kill");
    value.sival_int = 43;
    MUST(sigqueue(getpid(), SIGUSR1, value) == 0);
    say_it("sigqueue");
    for (intptr_t i = 0; i < 2; i++) {
        thread = start(sender, (void *)i);
        finish(thread);
        say_it("to parked main");
    }
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM, .sigev_value.sival_int = 9};
    struct itimerspec once = {.it_value = span_ms(10)};
    alarm(0);
    MUST(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    MUST(timer_settime(timer, 0, &once, NULL) == 0);
    for (int i = 0; i < 2000 && !came; i++)
        sleep_ms(1);
    say("timer: code %d, value %d, overrun %d", last.si_code, last.si_value.sival_int, last.si_overrun);
    struct sigaction chld = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    came = 0;
    MUST(sigaction(SIGCHLD, &chld, NULL) == 0);
    pid_t other = fork();
    if (other == 0)
        _exit(4);
    for (int i = 0; i < 2000 && !(came && last.si_pid == other); i++)
        sleep_ms(1);
    say("child: code %d, the right one %d, status %d", last.si_code, last.si_pid == other, last.si_status);
    return 0;
}
