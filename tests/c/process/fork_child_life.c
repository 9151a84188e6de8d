// What a child of a threaded process does with itself: signals to itself by their default action and by a handler, cancelling
// its first thread, sleeping, closing every descriptor, making threads and running a program, one without any environment.
#include "oracle.h"

static void handler(int signal_number)
{
    (void)signal_number;
    say_from_handler("handler\n");
}

static void *parked(void *unused)
{
    sleep(100);
    return unused;
}

static void default_action(void)
{
    start(parked, NULL);
    pthread_kill(pthread_self(), SIGTERM);
    sleep(10);
}

static void handlers(void)
{
    handle(SIGUSR1, handler, SA_RESTART);
    MUST(raise(SIGUSR1) == 0 && kill(getpid(), SIGUSR1) == 0);
    start(parked, NULL);
    MUST(raise(SIGUSR1) == 0 && kill(getpid(), SIGUSR1) == 0);
    handle(SIGALRM, handler, 0);
    ualarm(20000, 0);
    say_call("interrupted", usleep(5000000));
    _exit(2);
}

static void cancels(void)
{
    pthread_t thread = start(parked, NULL);
    settle();
    MUST(pthread_cancel(thread) == 0);
    say("a thread was cancelled: %d", finish(thread) == PTHREAD_CANCELED);
    MUST(pthread_cancel(pthread_self()) == 0);
    pthread_testcancel();
    say("not cancelled");
    _exit(3);
}

static void mask(void)
{
    sigset_t set;
    MUST(sigprocmask(SIG_SETMASK, NULL, &set) == 0);
    say("blocked as in the parent: HUP %d, INT %d", sigismember(&set, SIGHUP), sigismember(&set, SIGINT));
    int signal_number = 0;
    start(parked, NULL);
    MUST(kill(getpid(), SIGHUP) == 0);
    MUST(sigwait(&set, &signal_number) == 0);
    say("waited for HUP: %d", signal_number == SIGHUP);
    _exit(4);
}

static void closes_all(void)
{
    for (int round = 0; round < 2; round++) {
        for (int fd = 3; fd < 2000; fd++)
            close(fd);
        finish(start(return_it, NULL));
    }
    int ends[2];
    MUST(pipe(ends) == 0);
    say("the first numbers are free: %d %d", ends[0], ends[1]);
    MUST(close_range(3, ~0u, 0) == 0);
    execl("/bin/sh", "sh", "-c", "set -- /proc/self/fd/*; echo descriptors: $#; exit 5", (char *)NULL);
}

static void empty_environment(void)
{
    char *arguments[] = {"sh", "-c", "echo \"preload: <$LD_PRELOAD>\"; exit 6", NULL}, *none[] = {NULL};
    finish(start(return_it, NULL));
    execve("/bin/sh", arguments, none);
}

static void (*const lives[])(void) = {default_action, handlers, cancels, mask, closes_all, empty_environment};

static void *forker(void *unused)
{
    for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
        pid_t child = fork();
        if (child == 0) {
            begin();
            lives[i]();
            _exit(100);
        }
        say_child("child", child);
    }
    return unused;
}

int main(void)
{
    begin();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    for (int i = 0; i < 3; i++)
        start(parked, NULL);
    say("forked by main");
    forker(NULL);
    say("forked by a thread");
    finish(start(forker, NULL));
    return 0;
}
