// close() under a blocked reader: the call goes on with the file that it began with. Its peer sees no end before the call has
// returned, the number is another file's at once, and the reader takes nothing of that one.
#include "oracle.h"

static sem_t arrived;

typedef struct {
    int fd;
    bool with_read;
} Job;

static void *reader(void *argument)
{
    Job job = *(Job *)argument;
    char data[32];
    MUST(sem_post(&arrived) == 0);
    ssize_t got = job.with_read ? read(job.fd, data, sizeof data) : recv(job.fd, data, sizeof data, 0);
    say("the reader got %zd: %.*s", got, (int)(got > 0 ? got : 0), data);
    say_call("and again", read(job.fd, data, sizeof data));
    return NULL;
}

static void pipe_pair(int ends[2])
{
    MUST(pipe(ends) == 0);
}

// What the peer sees of the end, which may take the kernel a moment.
static void say_peer(const char *when, int fd, int wait_ms)
{
    struct pollfd item = {.fd = fd, .events = POLLRDHUP};
    int got = poll(&item, 1, wait_ms);
    say("%s the peer sees %d: hang-up %d, error %d", when, got, (item.revents & (POLLRDHUP | POLLHUP)) != 0,
        (item.revents & POLLERR) != 0);
}

static void run(const char *kind, void (*make)(int *), bool with_read, bool reuse)
{
    int ends[2], other[2];
    say("%s, %s, %s", kind, with_read ? "read" : "recv", reuse ? "used again" : "not used again");
    make(ends);
    Job job = {ends[0], with_read};
    pthread_t thread = start(reader, &job);
    MUST(sem_wait(&arrived) == 0);
    settle();
    say_call("close", close(ends[0]));
    say_call("close again", close(ends[0]));
    if (reuse) {
        make(other);
        say("the same number: %d", other[0] == job.fd);
        MUST(write(other[1], "for another", 11) == 11);
        // The second read finds this, and ends.
    }
    say_peer("before,", ends[1], 20);
    MUST(write(ends[1], "later", 5) == 5);
    finish(thread);
    say_peer("after,", ends[1], 1000);
    MUST(close(ends[1]) == 0);
    if (reuse) {
        MUST(close(other[0]) == 0);
        MUST(close(other[1]) == 0);
    }
}

int main(void)
{
    begin();
    MUST(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    MUST(sem_init(&arrived, 0, 0) == 0);
    for (int reuse = 0; reuse < 2; reuse++) {
        run("Unix", stream_pair, false, reuse);
        run("TCP", tcp_pair, false, reuse);
        run("TCP", tcp_pair, true, reuse);
        run("pipe", pipe_pair, true, reuse);
    }
    return 0;
}
