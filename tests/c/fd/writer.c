// close() under a blocked writer: everything is written to the file that it began with, which ends when the call has.
#include "oracle.h"

enum { MUCH = 3 << 20 };

static sem_t arrived;
static char data[MUCH];
static ssize_t put;

typedef struct {
    int fd;
    int way;
} Job;

static void *writer(void *argument)
{
    Job job = *(Job *)argument;
    struct iovec parts[2] = {{data, MUCH / 3}, {data + MUCH / 3, MUCH - MUCH / 3}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    MUST(sem_post(&arrived) == 0);
    if (job.way == 0)
        put = write(job.fd, data, MUCH);
    else if (job.way == 1)
        put = writev(job.fd, parts, 2);
    else if (job.way == 2)
        put = send(job.fd, data, MUCH, 0);
    else
        put = sendmsg(job.fd, &message, 0);
    return NULL;
}

static void run(const char *kind, int way, int put_end, int get_end)
{
    Job job = {put_end, way};
    int other[2];
    static char got[1 << 16];
    pthread_t thread = start(writer, &job);
    MUST(sem_wait(&arrived) == 0);
    settle();
    MUST(close(put_end) == 0);
    MUST(pipe(other) == 0);
    bool again = other[0] == put_end || other[1] == put_end;
    long sum = 0, wrong = 0;
    for (ssize_t n; (n = read(get_end, got, sizeof got)) > 0; sum += n)
        for (ssize_t i = 0; i < n; i++)
            wrong += got[i] != data[sum + i];
    say("%s, used again %d: got %ld, %ld of them wrong", kind, again, sum, wrong);
    finish(thread);
    say("%d: put %zd", way, put);
    struct pollfd item = {.fd = other[0], .events = POLLIN};
    say_call("for the number's new file", poll(&item, 1, 0));
    MUST(close(get_end) == 0 && close(other[0]) == 0 && close(other[1]) == 0);
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    for (int i = 0; i < MUCH; i++)
        data[i] = (char)(i * 7 + i / 1000);
    for (int way = 0; way < 4; way++) {
        int ends[2];
        if (way < 2) {
            MUST(pipe(ends) == 0);
            run("pipe", way, ends[1], ends[0]);
        }
        stream_pair(ends);
        run("Unix", way, ends[0], ends[1]);
        tcp_pair(ends);
        run("TCP", way, ends[0], ends[1]);
    }
    return 0;
}
