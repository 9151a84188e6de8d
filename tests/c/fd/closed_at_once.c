// close(), dup2() and fclose() as soon as another thread's call on the number can be seen to have begun: it has sent a part, taken a part, or
// connected. In Linux a call has its file from its start, so all of it is done, on that file.
#include "oracle.h"
#include <sys/ioctl.h>
#include <sys/sendfile.h>

enum { ROUNDS = 60, MUCH = 1 << 20, MESSAGES = 40, PIECE = 32 << 10 };

typedef enum { SEND, WRITE, WRITEV, SENDMSG, SENDMMSG, SENDFILE, RECV_ALL, RECVMMSG, CONNECT, WAYS } Way;

static const char *const names[] = {"send",     "write",    "writev",   "sendmsg", "sendmmsg",
                                    "sendfile", "recv all", "recvmmsg", "connect"};

static char data[MUCH];
static int file;

typedef struct {
    Way way;
    int fd;
    uint16_t port;
    long done;
} Job;

static void *work(void *argument)
{
    Job *job = argument;
    static char room[MUCH];
    struct iovec parts[2] = {{data, MUCH / 3}, {data + MUCH / 3, MUCH - MUCH / 3}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    struct mmsghdr several[MESSAGES];
    struct iovec pieces[MESSAGES];
    memset(several, 0, sizeof several);
    for (int i = 0; i < MESSAGES; i++) {
        pieces[i] = (struct iovec){(job->way == SENDMMSG ? data : room) + i * PIECE % MUCH, PIECE};
        several[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
    }
    off_t offset = 0;
    struct sockaddr_in address = loopback(job->port);
    switch (job->way) {
    case SEND:
        job->done = send(job->fd, data, MUCH, 0);
        break;
    case WRITE:
        job->done = write(job->fd, data, MUCH);
        break;
    case WRITEV:
        job->done = writev(job->fd, parts, 2);
        break;
    case SENDMSG:
        job->done = sendmsg(job->fd, &message, 0);
        break;
    case SENDMMSG:
        job->done = sendmmsg(job->fd, several, MESSAGES, 0);
        break;
    case SENDFILE:
        job->done = sendfile(job->fd, file, &offset, MUCH);
        break;
    case RECV_ALL:
        job->done = recv(job->fd, room, 100, MSG_WAITALL);
        break;
    case RECVMMSG:
        job->done = recvmmsg(job->fd, several, 2, 0, NULL);
        break;
    default:
        job->done = connect(job->fd, (struct sockaddr *)&address, sizeof address);
    }
    if (job->done == -1)
        job->done = -errno;
    return NULL;
}

static void turn(int count)
{
    if (count % 64 == 0)
        sched_yield();
}

typedef struct {
    int fd, round, other;
    FILE *stream;
} Taking;

// Takes the number away: it is nobody's, or another file's.
static void *take(void *argument)
{
    Taking *taking = argument;
    int fd = taking->fd;
    switch (taking->round % 6) {
    case 0:
        MUST(dup2(taking->other, fd) == fd);
        break;
    case 1:
        MUST(close(fd) == 0);
        break;
    case 2:
        MUST(dup3(taking->other, fd, O_CLOEXEC) == fd);
        break;
    case 3:
        MUST(close_range((unsigned)fd, (unsigned)fd, 0) == 0);
        break;
    case 4:
        MUST(freopen("/dev/null", "r+", taking->stream) && fileno(taking->stream) == fd);
        break;
    default:
        MUST(fclose(taking->stream) == 0);
    }
    return NULL;
}

static bool run(Way way, int round)
{
    static char got[1 << 16];
    int ends[2] = {-1, -1}, other[2], listener = -1;
    Job job = {.way = way};
    stream_pair(other);
    if (way == CONNECT) {
        listener = tcp_listener(1);
        set_nonblocking(listener);
        job.port = port_of(listener);
        ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    } else if (way == RECVMMSG) {
        MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    } else if (round % 8 < 4) {
        stream_pair(ends);
    } else {
        tcp_pair(ends);
    }
    job.fd = ends[0];
    bool takes = way == RECV_ALL || way == RECVMMSG;
    if (takes)
        MUST(send(ends[1], data, 50, 0) == 50);
    FILE *stream = round % 6 < 4 ? NULL : fdopen(ends[0], "r+");
    pthread_t thread = start(work, &job);
    int left;
    // It has begun.
    for (int i = 1;; i++, turn(i)) {
        if (way == CONNECT && (ends[1] = accept(listener, NULL, NULL)) >= 0)
            break;
        if (takes && ioctl(ends[0], FIONREAD, &left) == 0 && left == 0)
            break;
        if (way != CONNECT && !takes && recv(ends[1], got, 1, MSG_DONTWAIT) == 1)
            break;
    }
    Taking taking = {ends[0], round, other[0], stream};
    if (round % 7 == 6)
        finish(start_foreign(take, &taking));
    else
        take(&taking);
    bool again = round % 2 == 0;
    if (takes)
        MUST(send(ends[1], data, 50, MSG_NOSIGNAL) == 50);
    long sum = 1;
    // Until its file is gone, which is when the call has ended.
    if (way != CONNECT && !takes)
        for (ssize_t n; (n = recv(ends[1], got, sizeof got, 0)) > 0;)
            sum += n;
    finish(thread);
    struct pollfd item = {.fd = other[1], .events = POLLIN};
    bool other_is_quiet = poll(&item, 1, 0) == 0;
    if (again)
        MUST(close(ends[0]) == 0);
    MUST(close(ends[1]) == 0 && close(other[0]) == 0 && close(other[1]) == 0);
    if (listener != -1)
        MUST(close(listener) == 0);
    long all = way == RECV_ALL ? 100 : way == RECVMMSG ? 2 : way == SENDMMSG ? MESSAGES : way == CONNECT ? 0 : MUCH;
    bool sent_all = takes || way == CONNECT || sum == (way == SENDMMSG ? MESSAGES * PIECE : MUCH);
    bool right = job.done == all && sent_all && other_is_quiet;
    if (!right)
        say("%s, round %d: %ld of %ld, %ld arrived, the other is quiet: %d", names[way], round, job.done, all, sum,
            other_is_quiet);
    return right;
}

int main(void)
{
    begin();
    FILE *made = tmpfile();
    MUST(made);
    file = fileno(made);
    MUST(write(file, data, MUCH) == MUCH);
    for (Way way = 0; way < WAYS; way++) {
        int right = 0;
        for (int round = 0; round < ROUNDS; round++)
            right += run(way, round);
        say("%s: %d", names[way], right);
    }
    return 0;
}
