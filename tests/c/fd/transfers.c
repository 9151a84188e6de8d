// close() and dup2() under a blocked splice, tee and sendfile: each goes on with the files that it began with, whichever of the two
// it waits for, and the number is another file's at once.
#include "../oracle.h"
#include <sys/sendfile.h>

static sem_t arrived;

enum how { SPLICE, TEE, SENDFILE };
static const char *const names[] = {"splice", "tee", "sendfile"};

typedef struct {
    enum how how;
    int from, to;
    size_t len;
} Job;

static void *mover(void *argument)
{
    Job job = *(Job *)argument;
    MUST(sem_post(&arrived) == 0);
    ssize_t n = job.how == SPLICE ? splice(job.from, NULL, job.to, NULL, job.len, 0)
              : job.how == TEE    ? tee(job.from, job.to, job.len, 0)
                                  : sendfile(job.to, job.from, NULL, job.len);
    say_call(names[job.how], n);
    return NULL;
}

static void fill(int fd)
{
    char block[4096] = {0};
    set_nonblocking(fd);
    while (write(fd, block, sizeof block) > 0)
        ;
    MUST(errno == EAGAIN);
    MUST(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) == 0);
}

static void drain(int fd)
{
    char block[65536];
    set_nonblocking(fd);
    while (read(fd, block, sizeof block) > 0)
        ;
}

// Whether the number has been closed, or is that of a pipe without anything in it.
static void take_away(int fd, bool replace, int empty)
{
    if (replace)
        MUST(dup2(empty, fd) == fd);
    else
        MUST(close(fd) == 0);
}

static void say_left(const char *what, int fd)
{
    char data[64];
    set_nonblocking(fd);
    ssize_t n = read(fd, data, sizeof data);
    say("%s: %.*s", what, n > 0 ? (int)n : 7, n > 0 ? data : "nothing");
}

// It waits for input; `which` of its numbers is taken away.
static void without_input(enum how how, bool socket, int which, bool replace)
{
    int in[2], out[2], empty[2];
    say("%s without input%s, %s %s", names[how], socket ? " of a socket" : "", which ? "to" : "from",
        replace ? "replaced" : "closed");
    MUST((socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, in) : pipe(in)) == 0);
    MUST(pipe(out) == 0 && pipe(empty) == 0);
    Job job = {how, in[0], out[1], 100};
    pthread_t thread = start(mover, &job);
    MUST(sem_wait(&arrived) == 0);
    settle();
    take_away(which ? out[1] : in[0], replace, which ? empty[1] : empty[0]);
    MUST(write(in[1], "bytes", 5) == 5);
    finish(thread);
    say_left("out", out[0]);
    say_left("not there", empty[0]);
    int all[] = {in[0], in[1], out[0], out[1], empty[0], empty[1]};
    for (int i = 0; i < 6; i++)
        close(all[i]);
}

// It waits for room.
static void without_room(enum how how, bool socket, int which, bool replace)
{
    int in[2], out[2], empty[2];
    say("%s without room%s, %s %s", names[how], socket ? " in a socket" : "", which ? "to" : "from",
        replace ? "replaced" : "closed");
    MUST(pipe(in) == 0 && pipe(empty) == 0);
    MUST((socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, out) : pipe(out)) == 0);
    if (how == SENDFILE) {
        MUST(close(in[0]) == 0);
        MUST((in[0] = open("/proc/self/exe", O_RDONLY)) >= 0);
    } else
        MUST(write(in[1], "bytes", 5) == 5);
    fill(out[1]);
    Job job = {how, in[0], out[1], 5};
    pthread_t thread = start(mover, &job);
    MUST(sem_wait(&arrived) == 0);
    settle();
    take_away(which ? out[1] : in[0], replace, which ? empty[1] : empty[0]);
    drain(out[0]);
    finish(thread);
    say_left("not there", empty[0]);
    int all[] = {in[0], in[1], out[0], out[1], empty[0], empty[1]};
    for (int i = 0; i < 6; i++)
        close(all[i]);
}

int main(void)
{
    begin();
    for (int which = 0; which < 2; which++)
        for (int replace = 0; replace < 2; replace++) {
            without_input(SPLICE, false, which, replace);
            without_input(SPLICE, true, which, replace);
            without_input(TEE, false, which, replace);
            without_room(SPLICE, false, which, replace);
            without_room(SPLICE, true, which, replace);
            without_room(TEE, false, which, replace);
            without_room(SENDFILE, true, which, replace);
        }
    return 0;
}
