// Holds many connections to an echo server at once and compares every byte that comes back.
//
//   echo_client PORT CONNECTIONS ROUNDS SEED SECONDS
//
// Opens all connections (at most a few hundred in the air at a time, so that no backlog overflows). In each round it sends a
// payload of random length on every connection at the same time and reads it back; a payload begins at a random place of
// one random block, so that bytes of another connection or round are never taken for the right ones. After the first
// round it prints 'warm': only then is it certain that the server has accepted every connection and made its thread. At the
// end it finishes each connection and waits for the server to do the same. Prints one line and exits 0, or 1 with the
// first thing that was wrong. It never blocks in one connection: the server may be as unfair as it likes.

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BLOCK = 1 << 20, LONG_PAYLOAD = 64 * 1024, SHORT_PAYLOAD = 2048, IN_THE_AIR = 256 };

struct talk {
    int fd;
    bool connected;
    const char *payload;
    size_t length, sent, received;
};

static char block[BLOCK];
static struct talk *talks;
static int loop, connections, connected, in_the_air;
static long total_bytes;

static void stop(const char *what, int error) {
    printf("wrong: %s%s%s\n", what, error ? ": " : "", error ? strerror(error) : "");
    exit(1);
}

// splitmix64: every value of (seed, connection, round) gives a payload of its own.
static uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static void fill_block(uint64_t seed) {
    for (size_t i = 0; i < BLOCK / 8; i++) {
        uint64_t word = mix(seed + i);
        memcpy(block + i * 8, &word, 8);
    }
}

static void choose_payload(struct talk *t, uint64_t seed, int round) {
    uint64_t random = mix(seed ^ mix(((uint64_t)(t - talks) << 20) + (uint64_t)round));
    size_t limit = random % 16 == 0 ? LONG_PAYLOAD : SHORT_PAYLOAD;
    t->length = 1 + (random >> 8) % limit;
    t->payload = block + (random >> 32) % (BLOCK - LONG_PAYLOAD);
    t->sent = t->received = 0;
    total_bytes += (long)t->length;
}

static void open_one(struct talk *t, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    t->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (t->fd < 0) stop("socket", errno);
    if (connect(t->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) stop("connect", errno);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = t};
    if (epoll_ctl(loop, EPOLL_CTL_ADD, t->fd, &event) < 0) stop("epoll_ctl", errno);
    in_the_air++;
}

static void check_connected(struct talk *t) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error) stop("connect", error);
    t->connected = true;
    connected++;
    in_the_air--;
}

static void send_more(struct talk *t) {
    while (t->sent < t->length) {
        ssize_t sent = send(t->fd, t->payload + t->sent, t->length - t->sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) return;
        if (sent < 0) stop("send", errno);
        t->sent += (size_t)sent;
    }
}

// True once the whole payload has come back; a byte more than that, or an early end, is wrong.
static bool receive_more(struct talk *t) {
    static char got[LONG_PAYLOAD];
    for (;;) {
        ssize_t length = recv(t->fd, got, sizeof got, 0);
        if (length < 0 && errno == EAGAIN) return t->received == t->length;
        if (length < 0) stop("recv", errno);
        if (length == 0) stop("the server ended a connection early", 0);
        if (t->received + (size_t)length > t->sent) stop("more came back than was sent", 0);
        if (memcmp(t->payload + t->received, got, (size_t)length) != 0) stop("other bytes came back", 0);
        t->received += (size_t)length;
    }
}

static int wait_for_events(struct epoll_event *ready, int room) {
    int count = epoll_wait(loop, ready, room, -1);
    if (count < 0 && errno != EINTR) stop("epoll_wait", errno);
    return count < 0 ? 0 : count;
}

static void connect_all(int port) {
    struct epoll_event ready[256];
    int opened = 0;
    while (connected < connections) {
        while (opened < connections && in_the_air < IN_THE_AIR) open_one(&talks[opened++], port);
        int count = wait_for_events(ready, 256);
        for (int i = 0; i < count; i++) {
            struct talk *t = ready[i].data.ptr;
            if (!t->connected) check_connected(t);
        }
    }
}

static void play_round(uint64_t seed, int round) {
    struct epoll_event ready[256];
    int done = 0;
    for (int i = 0; i < connections; i++) {
        choose_payload(&talks[i], seed, round);
        send_more(&talks[i]);
    }
    while (done < connections) {
        int count = wait_for_events(ready, 256);
        for (int i = 0; i < count; i++) {
            struct talk *t = ready[i].data.ptr;
            bool before = t->received == t->length;
            send_more(t);
            done += receive_more(t) && !before;
        }
    }
}

static void finish_one(struct talk *t) {
    char byte;
    if (recv(t->fd, &byte, 1, 0) != 0) stop("no end of file after the last byte", errno);
    close(t->fd);
}

static void finish_all(void) {
    for (int i = 0; i < connections; i++) shutdown(talks[i].fd, SHUT_WR);
    for (int i = 0; i < connections; i++) {
        int blocking = 0;
        if (ioctl(talks[i].fd, FIONBIO, &blocking) < 0) stop("ioctl", errno);
        finish_one(&talks[i]);
    }
}

int main(int argc, char **argv) {
    if (argc != 6) stop("usage: echo_client PORT CONNECTIONS ROUNDS SEED SECONDS", 0);
    int rounds = atoi(argv[3]);
    uint64_t seed = strtoull(argv[4], NULL, 10);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    alarm((unsigned)atoi(argv[5]));
    connections = atoi(argv[2]);
    talks = calloc((size_t)connections, sizeof *talks);
    loop = epoll_create1(0);
    fill_block(seed);
    connect_all(atoi(argv[1]));
    play_round(seed, 0);
    printf("warm\n");
    fflush(stdout);
    for (int round = 1; round < rounds; round++) play_round(seed, round);
    finish_all();
    printf("%d connections, %d rounds, %ld bytes right\n", connections, rounds, total_bytes);
    return 0;
}
