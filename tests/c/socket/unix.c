// Unix sockets: stream and datagram, by path, abstract, unnamed, and sequenced packets.
#include "oracle.h"

static int listener, dgram;

static struct sockaddr_un abstract(const char *name, socklen_t *length)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int size = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "greenlet-oracle-%d-%s", getpid(), name);
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size);
    return address;
}

static void *stream_server(void *unused)
{
    char data[10];
    int fd = accept(listener, NULL, NULL);
    MUST(fd >= 0);
    MUST(recv(fd, data, 5, MSG_WAITALL) == 5);
    MUST(send(fd, "world", 5, 0) == 5);
    MUST(close(fd) == 0);
    return unused;
}

static void streams(void)
{
    socklen_t length;
    char data[10] = "";
    struct sockaddr_un address = abstract("stream", &length);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 4) == 0);
    pthread_t thread = start(stream_server, NULL);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    say_call("connect", connect(client, (struct sockaddr *)&address, length));
    say_call("send two", send(client, "he", 2, 0));
    sleep_ms(5);
    say_call("send three", send(client, "llo", 3, 0));
    say_call("recv", recv(client, data, 5, MSG_WAITALL));
    say("it was %s", data);
    say_call("recv at the end", recv(client, data, 5, 0));
    finish(thread);
    address = abstract("nobody", &length);
    int other = socket(AF_UNIX, SOCK_STREAM, 0);
    say_call("connect to nobody", connect(other, (struct sockaddr *)&address, length));
    snprintf(address.sun_path, sizeof address.sun_path, "/nonexistent/path");
    say_call("connect to no path", connect(other, (struct sockaddr *)&address, sizeof address));
}

static void *receiver(void *unused)
{
    char data[10];
    long sum = 0;
    for (int i = 0; i < 200; i++) {
        MUST(recv(dgram, data, sizeof data, 0) == 4);
        sum += data[0];
        if (i % 50 == 0)
            sleep_ms(2);
    }
    say("datagrams: sum %ld", sum);
    return unused;
}

// The receiver's queue is short, so the sender has to wait for room.
static void datagrams(void)
{
    socklen_t length;
    struct sockaddr_un address = abstract("dgram", &length);
    dgram = socket(AF_UNIX, SOCK_DGRAM, 0);
    MUST(bind(dgram, (struct sockaddr *)&address, length) == 0);
    pthread_t thread = start(receiver, NULL);
    int client = socket(AF_UNIX, SOCK_DGRAM, 0);
    MUST(connect(client, (struct sockaddr *)&address, length) == 0);
    for (int i = 0; i < 100; i++)
        MUST(send(client, "\1xyz", 4, 0) == 4);
    for (int i = 0; i < 100; i++)
        MUST(sendto(client, "\2xyz", 4, 0, (struct sockaddr *)&address, length) == 4);
    finish(thread);
}

static void *packet_peer(void *fd)
{
    char data[100];
    ssize_t got;
    while ((got = recv(*(int *)fd, data, sizeof data, 0)) > 0)
        say("packet of %zd", got);
    say("end of packets: %zd", got);
    return NULL;
}

static void packets(void)
{
    static const char block[81];
    int ends[2];
    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    pthread_t thread = start(packet_peer, &ends[1]);
    for (size_t size = 1; size <= 81; size *= 3)
        MUST(send(ends[0], block, size, 0) == (ssize_t)size);
    MUST(close(ends[0]) == 0);
    finish(thread);
}

int main(void)
{
    begin();
    streams();
    datagrams();
    packets();
    return 0;
}
