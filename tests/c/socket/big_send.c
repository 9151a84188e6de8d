// Ten megabytes through small buffers: a blocking send sends it all in one call, whatever the size of the buffer.
#include "oracle.h"

#include <sys/uio.h>

enum { SIZE = 10 << 20 };

static int ends[2];
static unsigned char *block;

static unsigned long checksum(const unsigned char *data, size_t size, unsigned long sum)
{
    for (size_t i = 0; i < size; i++)
        sum = sum * 31 + data[i];
    return sum;
}

static void *receiver(void *unused)
{
    static unsigned char data[50000];
    unsigned long sum = 0;
    long total = 0;
    for (ssize_t got; (got = recv(ends[0], data, sizeof data, 0)) > 0; total += got)
        sum = checksum(data, (size_t)got, sum);
    say("received %ld, right: %d", total, sum == checksum(block, SIZE, 0));
    return unused;
}

static ssize_t by_send(void)
{
    return send(ends[1], block, SIZE, 0);
}

static ssize_t by_write(void)
{
    return write(ends[1], block, SIZE);
}

static ssize_t by_writev(void)
{
    struct iovec parts[4];
    for (int i = 0; i < 4; i++)
        parts[i] = (struct iovec){block + i * (SIZE / 4), SIZE / 4};
    return writev(ends[1], parts, 4);
}

static ssize_t by_sendmsg(void)
{
    struct iovec parts[3] = {{block, 100}, {block + 100, SIZE - 200}, {block + SIZE - 100, 100}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
    return sendmsg(ends[1], &message, 0);
}

// TCP's cannot be smaller than what the peer acknowledges at once, or each buffer full costs a delayed acknowledgement.
static void run(const char *name, ssize_t (*way)(void), void (*make_pair)(int *), int small)
{
    make_pair(ends);
    MUST(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
    pthread_t thread = start(receiver, NULL);
    ssize_t sent = way();
    MUST(close(ends[1]) == 0);
    finish(thread);
    say_call(name, sent);
    MUST(close(ends[0]) == 0);
}

int main(void)
{
    begin();
    block = malloc(SIZE);
    MUST(block);
    for (int i = 0; i < SIZE; i++)
        block[i] = (unsigned char)(i * 2654435761u >> 24);
    run("TCP, send", by_send, tcp_pair, 128 * 1024);
    run("TCP, writev", by_writev, tcp_pair, 128 * 1024);
    run("Unix, write", by_write, stream_pair, 16 * 1024);
    run("Unix, sendmsg", by_sendmsg, stream_pair, 16 * 1024);
    return 0;
}
