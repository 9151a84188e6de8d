/* The load: N connections to an echo server, one request of 64 bytes in flight on each, for D seconds, every byte compared.
 *
 * echo_load PORT CONNECTIONS SECONDS [SERVER_PID [busy]]     prints "key value" lines
 *
 * It connects in batches, lets every connection complete a request (so the server has all of its threads), warms up, and only
 * then opens the window that is measured. The server's CPU time is read at both ends of that window from the kernel's clock for the
 * process, in nanoseconds, so neither connecting nor ending is counted. After the window the last answers are awaited and compared.
 *
 * It must run bare: a load generator under the library would measure two things at once. It saturates one CPU, so its latencies are
 * those of a closed loop: they compare servers, they do not describe one. Every phase is bounded in time. */
#include "bench.h"

#include <sys/epoll.h>

enum {
    REQUEST = 64,
    BATCH = 256,            /* connections that are being made at one time */
    EVENTS = 512,
    PRECISION = 5,          /* 2^5 slots for each power of two: a latency is right to 3 % */
    SLOTS = 64 << PRECISION,
    MOST_CONNECTIONS = 50000
};
static const double WARM_UP_SECONDS = 0.5, PATIENCE = 60, LAST_ANSWERS = 30;

struct connection {
    int fd;
    enum { CONNECTING, WAITING, IDLE } state;
    size_t received;
    uint64_t sent_at, sequence;
    unsigned char reply[REQUEST];
};

static int poller, port, wanted;
static pid_t server;
static int busy; /* never sleeps: it has a CPU of its own, and the server is not charged with waking it */
static struct connection *connections;
static int opened, connecting, warm, waiting;
static uint64_t requests, slowest, histogram[SLOTS];
static enum { FILL, WARM_UP, MEASURE, DRAIN } phase;

/* --- latencies: slots that grow with the value */

static unsigned slot_of(uint64_t ns)
{
    if (ns < (1u << PRECISION))
        return (unsigned)ns;
    unsigned exponent = 63 - (unsigned)__builtin_clzll(ns);
    unsigned within = (unsigned)(ns >> (exponent - PRECISION)) & ((1u << PRECISION) - 1);
    return ((exponent - PRECISION + 1) << PRECISION) + within;
}

static uint64_t upper_end(unsigned slot)
{
    if (slot < (1u << PRECISION))
        return slot;
    unsigned shift = (slot >> PRECISION) - 1;
    uint64_t base = (1u << PRECISION) + (slot & ((1u << PRECISION) - 1));
    return ((base + 1) << shift) - 1;
}

static void record(uint64_t ns)
{
    requests++;
    histogram[slot_of(ns)]++;
    if (ns > slowest)
        slowest = ns;
}

static double percentile_us(double fraction)
{
    uint64_t before = 0, rank = (uint64_t)((double)requests * fraction);
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        before += histogram[slot];
        if (before > rank)
            return (double)(upper_end(slot) < slowest ? upper_end(slot) : slowest) / 1e3;
    }
    return (double)slowest / 1e3;
}

/* --- one connection */

/* Different for each connection and each request, so that an answer given to the wrong one is seen. */
static void fill_request(const struct connection *c, unsigned char *request)
{
    uint64_t word = ((uint64_t)(c - connections) << 40) ^ c->sequence;
    for (size_t i = 0; i < REQUEST; i += sizeof word) {
        word = word * 6364136223846793005u + 1442695040888963407u;
        memcpy(request + i, &word, sizeof word);
    }
}

static void watch(int operation, struct connection *c, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(poller, operation, c->fd, &event) != 0)
        die("epoll_ctl", errno);
}

static void ask(struct connection *c)
{
    unsigned char request[REQUEST];
    c->sequence++;
    c->received = 0;
    fill_request(c, request);
    c->sent_at = now_ns();
    ssize_t sent = send(c->fd, request, REQUEST, MSG_NOSIGNAL);
    if (sent != REQUEST) /* with one request in flight the send buffer is empty */
        die("send", sent < 0 ? errno : EMSGSIZE);
    c->state = WAITING;
    waiting++;
}

static void answered(struct connection *c)
{
    unsigned char expected[REQUEST];
    uint64_t latency = now_ns() - c->sent_at;
    fill_request(c, expected);
    if (memcmp(expected, c->reply, REQUEST) != 0) {
        fprintf(stderr, "echo_load: connection %ld, request %lu: the answer is not the request\n", (long)(c - connections),
                (unsigned long)c->sequence);
        exit(1);
    }
    c->state = IDLE;
    waiting--;
    if (c->sequence == 1)
        warm++;
    if (phase == MEASURE)
        record(latency);
    if (phase == WARM_UP || phase == MEASURE)
        ask(c);
}

static void readable(struct connection *c)
{
    ssize_t got = recv(c->fd, c->reply + c->received, REQUEST - c->received, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        die("the server ended a connection", got < 0 ? errno : EPIPE);
    c->received += (size_t)got;
    if (c->received == REQUEST)
        answered(c);
}

static void connected(struct connection *c)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    check("connect", error);
    connecting--;
    watch(EPOLL_CTL_MOD, c, EPOLLIN);
    ask(c);
}

static void open_one(struct connection *c)
{
    struct sockaddr_in address = loopback(port);
    struct linger reset = {.l_onoff = 1, .l_linger = 0}; /* thousands of TIME_WAIT ports would starve the next run */
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("socket", errno);
    no_delay(c->fd);
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    c->state = CONNECTING;
    connecting++;
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS)
        die("connect", errno);
    watch(EPOLL_CTL_ADD, c, EPOLLOUT);
}

/* A connection counts as being made until its first answer: the server is never asked for more than a batch at a time. */
static void open_more(void)
{
    while (opened < wanted && opened - warm < BATCH)
        open_one(&connections[opened++]);
}

/* --- the phases */

static void turn(int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(poller, events, EVENTS, busy && warm == wanted ? 0 : timeout_ms);
    if (count < 0 && errno != EINTR)
        die("epoll_wait", errno);
    for (int i = 0; i < count; i++) {
        struct connection *c = events[i].data.ptr;
        if (c->state == CONNECTING)
            connected(c);
        else
            readable(c);
    }
}

static void until(double seconds)
{
    uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);
    for (uint64_t now; (now = now_ns()) < end;)
        turn((int)((end - now) / 1000000) + 1);
}

static void out_of_patience(const char *phase_name, uint64_t since, double limit, int done)
{
    if ((double)(now_ns() - since) < limit * 1e9)
        return;
    fprintf(stderr, "echo_load: %s: %d of %d connections after %g s\n", phase_name, done, wanted, limit);
    exit(1);
}

static void fill(void)
{
    uint64_t start = now_ns();
    while (warm < wanted) {
        open_more();
        turn(100);
        out_of_patience("connecting", start, PATIENCE, warm);
    }
}

/* Only now is every connection busy. While they were being made each was left alone after its first answer, or a server with kernel
 * threads would hardly come to accept the next one among thousands that compute. */
static void warm_up(void)
{
    phase = WARM_UP;
    for (int i = 0; i < wanted; i++)
        ask(&connections[i]);
    until(WARM_UP_SECONDS);
}

static void drain(void)
{
    uint64_t start = now_ns();
    phase = DRAIN;
    while (waiting > 0) {
        turn(100);
        out_of_patience("last answers", start, LAST_ANSWERS, wanted - waiting);
    }
}

static uint64_t server_cpu_ns(void)
{
    clockid_t clock;
    struct timespec t;
    if (server == 0)
        return 0;
    check("clock_getcpuclockid", clock_getcpuclockid(server, &clock));
    if (clock_gettime(clock, &t) != 0)
        die("the server's clock", errno);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void measure(double seconds)
{
    uint64_t cpu = server_cpu_ns(), start = now_ns();
    phase = MEASURE;
    until(seconds);
    double elapsed = (double)(now_ns() - start) / 1e9;
    cpu = server_cpu_ns() - cpu;
    if (requests == 0)
        die("no request was answered", ETIMEDOUT);
    printf("requests %lu\n", (unsigned long)requests);
    printf("requests_per_second %.1f\n", (double)requests / elapsed);
    printf("p50_us %.1f\n", percentile_us(0.50));
    printf("p99_us %.1f\n", percentile_us(0.99));
    printf("max_us %.1f\n", (double)slowest / 1e3);
    if (server != 0)
        printf("server_cpu_us_per_request %.3f\n", (double)cpu / 1e3 / (double)requests);
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 6 || (argc == 6 && strcmp(argv[5], "busy") != 0)) {
        fprintf(stderr, "usage: echo_load PORT CONNECTIONS SECONDS [SERVER_PID [busy]]\n");
        return 2;
    }
    port = (int)number("port", argv[1], 1, 65535);
    wanted = (int)number("connections", argv[2], 1, MOST_CONNECTIONS);
    double seconds = number("seconds", argv[3], 0.1, 600);
    busy = argc > 5;
    server = argc > 4 ? (pid_t)number("server", argv[4], 1, 4194304) : 0;
    raise_descriptor_limit();
    connections = calloc((size_t)wanted, sizeof *connections);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (connections == NULL || poller < 0)
        die("start", errno);
    fill();
    warm_up();
    measure(seconds);
    drain();
    return 0;
}
