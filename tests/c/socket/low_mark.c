// SO_RCVLOWAT: a read of a stream that may wait does so until that much is there, the end, or the socket's limit.
#include "oracle.h"
#include <sys/uio.h>

enum { MARK = 100, LENGTH = 200 };

struct reading {
    int fd;
    ssize_t (*read)(int fd, char *data, size_t length);
    size_t length;
    ssize_t got;
    int error;
};

static ssize_t by_recv(int fd, char *data, size_t length)
{
    return recv(fd, data, length, 0);
}

static ssize_t by_peek(int fd, char *data, size_t length)
{
    return recv(fd, data, length, MSG_PEEK);
}

static ssize_t by_read(int fd, char *data, size_t length)
{
    return read(fd, data, length);
}

static ssize_t by_readv(int fd, char *data, size_t length)
{
    struct iovec parts[] = {{data, 7}, {data + 7, 20}, {data + 27, length - 27}};
    return readv(fd, parts, 3);
}

static ssize_t by_recvmsg(int fd, char *data, size_t length)
{
    struct iovec part = {data, length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    return recvmsg(fd, &message, 0);
}

static void *reader(void *argument)
{
    struct reading *reading = argument;
    char data[LENGTH];
    errno = 0;
    reading->got = reading->read(reading->fd, data, reading->length);
    reading->error = errno;
    for (ssize_t i = 1; i < reading->got; i++)
        MUST(data[i] == (char)(data[0] + i));
    return NULL;
}

static void put(int fd, int from, int to)
{
    char data[LENGTH];
    for (int i = from; i < to; i++)
        data[i] = (char)i;
    MUST(send(fd, data + from, (size_t)(to - from), 0) == to - from);
}

static void set_mark(int fd, int mark)
{
    MUST(setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof mark) == 0);
}

static void say_reading(const char *what, const struct reading *reading)
{
    if (reading->got == -1)
        say("%s: -1 %s", what, error_name(reading->error));
    else
        say("%s: %zd", what, reading->got);
}

// A little comes, and then as much as is waited for.
static void in_two_parts(const char *what, int to, int from, ssize_t (*call)(int, char *, size_t), int all)
{
    struct reading reading = {from, call, LENGTH, 0, 0};
    pthread_t thread = start(reader, &reading);
    put(to, 0, 10);
    settle();
    put(to, 10, all);
    finish(thread);
    say_reading(what, &reading);
}

static void on_signal(int unused)
{
    (void)unused;
}

static void endings(int ends[2])
{
    struct reading reading = {ends[1], by_recv, 5, 0, 0};
    put(ends[0], 0, 10);
    reader(&reading);
    say_reading("less is asked for", &reading);
    reader(&reading);
    say_reading("and the rest", &reading);
    reading.length = LENGTH;
    char data[LENGTH];
    put(ends[0], 0, 10);
    say_call("not to wait", recv(ends[1], data, sizeof data, MSG_DONTWAIT));
    say_call("not to wait, nothing", recv(ends[1], data, sizeof data, MSG_DONTWAIT));
    set_nonblocking(ends[1]);
    put(ends[0], 0, 10);
    reader(&reading);
    say_reading("non-blocking", &reading);
    reader(&reading);
    say_reading("non-blocking, nothing", &reading);
    MUST(fcntl(ends[1], F_SETFL, O_RDWR) == 0);

    set_timeout(ends[1], SO_RCVTIMEO, 60);
    put(ends[0], 0, 10);
    long long began = now_ns(CLOCK_MONOTONIC);
    reader(&reading);
    say_reading("a limit", &reading);
    say_took_socket("  that", began, 60);
    reader(&reading);
    say_reading("a limit, nothing", &reading);
    set_timeout(ends[1], SO_RCVTIMEO, 0);

    put(ends[0], 0, 10);
    MUST(shutdown(ends[0], SHUT_WR) == 0);
    reader(&reading);
    say_reading("the end", &reading);
    reader(&reading);
    say_reading("behind it", &reading);
}

// What a handler finds is given, whatever it says of restarting.
static void interrupted(int to, int from)
{
    struct reading reading = {from, by_recv, LENGTH, 0, 0};
    put(to, 0, 10);
    pthread_t thread = start(reader, &reading);
    settle();
    while (pthread_tryjoin_np(thread, NULL) == EBUSY) {
        MUST(pthread_kill(thread, SIGUSR1) == 0);
        sleep_ms(20);
    }
    say_reading("interrupted", &reading);
}

static void *body(void *listener)
{
    int local[2], tcp[2];
    stream_pair(local);
    set_mark(local[1], MARK);
    in_two_parts("local recv", local[0], local[1], by_recv, MARK);
    in_two_parts("local read", local[0], local[1], by_read, MARK);
    in_two_parts("local readv", local[0], local[1], by_readv, MARK);
    in_two_parts("local recvmsg", local[0], local[1], by_recvmsg, MARK);
    interrupted(local[0], local[1]);
    endings(local);

    // Its listener has the mark. What TCP has given does not count for it any more, so that as much must come behind it.
    tcp[0] = tcp_connect(port_of((int)(intptr_t)listener));
    tcp[1] = accept((int)(intptr_t)listener, NULL, NULL);
    in_two_parts("TCP recv", tcp[0], tcp[1], by_recv, MARK + 10);
    in_two_parts("TCP read", tcp[0], tcp[1], by_read, MARK + 10);
    in_two_parts("TCP readv", tcp[0], tcp[1], by_readv, MARK + 10);
    in_two_parts("TCP recvmsg", tcp[0], tcp[1], by_recvmsg, MARK + 10);
    in_two_parts("TCP peek", tcp[0], tcp[1], by_peek, MARK + 10);
    struct reading rest = {tcp[1], by_recv, LENGTH, 0, 0};
    reader(&rest);
    say_reading("TCP recv of that", &rest);
    interrupted(tcp[0], tcp[1]);
    endings(tcp);
    return NULL;
}

int main(void)
{
    begin();
    handle(SIGUSR1, on_signal, SA_RESTART);
    int listener = tcp_listener(1);
    // Before there is a second thread.
    set_mark(listener, MARK);
    finish(start(body, (void *)(intptr_t)listener));
    return 0;
}
