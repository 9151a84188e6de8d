// A forked child joins its parent's threads, which are not there: they count as ended, whether they ran or not. After a fork that
// is not libc's function of that name libc still lists them; threads of the child's own and a setuid work in it all the same.
#include "oracle.h"

enum { PARKED = 10, OWN = 12 };

static pthread_t parked[PARKED], ended;

static void *park(void *unused)
{
    sleep(100);
    return unused;
}

static void *pass(void *value)
{
    return value;
}

// One join a child: libc keeps the stack of a thread that is not there in a list, where a second one finds it.
static void joining_child(const char *what, pthread_t other)
{
    pid_t child = fork();
    if (child == 0) {
        begin();
        say_error(what, pthread_join(other, NULL));
        _exit(4);
    }
    say_child("joining child", child);
}

static void own_threads(void)
{
    pthread_t own[OWN];
    for (intptr_t i = 0; i < OWN; i++)
        own[i] = start(pass, (void *)i);
    long sum = 0;
    for (int i = 0; i < OWN; i++)
        sum += (long)(intptr_t)finish(own[i]);
    say("own threads: %ld, setuid %d", sum, setuid(getuid()));
}

static pid_t raw_fork(void)
{
    return (pid_t)syscall(SYS_fork);
}

static pid_t raw_clone(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void *forker(void *who)
{
    static const struct {
        const char *name;
        pid_t (*call)(void);
    } forks[] = {{"fork", fork}, {"_Fork", _Fork}, {"syscall fork", raw_fork}, {"syscall clone", raw_clone}};
    for (size_t i = 0; i < sizeof forks / sizeof *forks; i++) {
        say("%s, %s", (char *)who, forks[i].name);
        pid_t child = forks[i].call();
        if (child == 0) {
            begin();
            own_threads();
            _exit(3);
        }
        say_child("child", child);
    }
    joining_child("join of a parked one", parked[0]);
    joining_child("join of an ended one", ended);
    return NULL;
}

int main(void)
{
    begin();
    for (int i = 0; i < PARKED; i++)
        parked[i] = start(park, NULL);
    ended = start(pass, NULL);
    usleep(SETTLE_MS * 1000);
    forker("main");
    finish(start(forker, "a thread"));
    return 0;
}
