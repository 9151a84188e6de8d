/* The load: N connections to a server, one request in flight on each, for D seconds, every byte of every answer compared.
 *
 * echo_load PORT CONNECTIONS SECONDS [OPTION...]     prints "key value" lines
 *
 *   server=PID    whose CPU time is read
 *   active=N      only N of the connections go on asking in the window; the others stay open and idle
 *   busy          never sleep (see below)
 *   http          HTTP/1.1 with keep-alive in place of 64 bytes that come back
 *
 * It connects in batches, lets every connection complete a request (so the server has all of its threads), warms up, and only
 * then opens the window that is measured. The server's CPU time is read at both ends of that window from the kernel's clock for the
 * process, in nanoseconds, so neither connecting nor ending is counted. After the window the last answers are awaited and compared.
 *
 * It must run bare: a load generator under the library would measure two things at once. It saturates one CPU, so its latencies are
 * those of a closed loop: they compare servers, they do not describe one. Every phase is bounded in time. */
#include "latency.h"

#include <sys/epoll.h>

enum {
    REQUEST = 64,           /* an echoed request, and an HTTP body */
    REPLY = 1024,
    BATCH = 256,            /* connections that are being made at one time */
    EVENTS = 512,
    MOST_CONNECTIONS = 50000
};
static const double WARM_UP_SECONDS = 0.5, PATIENCE = 60, LAST_ANSWERS = 30;

struct connection {
    int fd;
    enum { CONNECTING, WAITING, IDLE } state;
    size_t received;
    uint64_t sent_at, sequence;
    char reply[REPLY];
};

static int poller, port, wanted, active;
static pid_t server;
static int busy; /* never sleeps: it has a CPU of its own, and the server is not charged with waking it */
static struct connection *connections;
static int opened, connecting, warm, waiting;
static uint64_t answers; /* in all phases */
static enum { FILL, WARM_UP, MEASURE, DRAIN } phase;

/* --- what is asked, and whether it was answered: an echo, or a page that shows the number in its path.
 *
 * The number is another one for each connection and each request, so that an answer given to the wrong one is seen. */

static uint64_t number_of(const struct connection *c)
{
    return (uint64_t)(c - connections) << 40 | c->sequence;
}

static size_t echo_request(const struct connection *c, char *request)
{
    uint64_t word = number_of(c);
    for (size_t i = 0; i < REQUEST; i += sizeof word) {
        word = scramble(word);
        memcpy(request + i, &word, sizeof word);
    }
    return REQUEST;
}

/* 1: the answer is there and right; 0: it is not complete; -1: it is wrong. */
static int echo_answer(const struct connection *c)
{
    char expected[REQUEST];
    echo_request(c, expected);
    if (c->received < REQUEST)
        return 0;
    return c->received == REQUEST && memcmp(expected, c->reply, REQUEST) == 0 ? 1 : -1;
}

static size_t http_request(const struct connection *c, char *request)
{
    return (size_t)sprintf(request, "GET /%lu HTTP/1.1\r\nHost: localhost\r\n\r\n", (unsigned long)number_of(c));
}

static int http_answer(const struct connection *c)
{
    static const char good[] = "HTTP/1.1 200 ";
    char expected[REQUEST + 1];
    const char *body = memmem(c->reply, c->received, "\r\n\r\n", 4);
    if (body == NULL)
        return c->received < REPLY ? 0 : -1;
    size_t head = (size_t)(body + 4 - c->reply);
    if (c->received < head + REQUEST)
        return 0;
    snprintf(expected, sizeof expected, "%064lu", (unsigned long)number_of(c));
    return c->received == head + REQUEST && strncmp(c->reply, good, sizeof good - 1) == 0 && memcmp(expected, body + 4, REQUEST) == 0 ? 1 : -1;
}

static size_t (*make_request)(const struct connection *c, char *request) = echo_request;
static int (*check_answer)(const struct connection *c) = echo_answer;

/* --- one connection */

static void watch(int operation, struct connection *c, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(poller, operation, c->fd, &event) != 0)
        die("epoll_ctl", errno);
}

static void ask(struct connection *c)
{
    char request[REPLY];
    c->sequence++;
    c->received = 0;
    size_t size = make_request(c, request);
    c->sent_at = now_ns();
    ssize_t sent = send(c->fd, request, size, MSG_NOSIGNAL);
    if (sent != (ssize_t)size) /* with one request in flight the send buffer is empty */
        die("send", sent < 0 ? errno : EMSGSIZE);
    c->state = WAITING;
    waiting++;
}

static void answered(struct connection *c, uint64_t now)
{
    c->state = IDLE;
    waiting--;
    answers++;
    if (c->sequence == 1)
        warm++;
    if (phase == MEASURE)
        record(now - c->sent_at);
    if (phase == WARM_UP || phase == MEASURE)
        ask(c);
}

static void readable(struct connection *c)
{
    ssize_t got = recv(c->fd, c->reply + c->received, REPLY - c->received, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        die("the server ended a connection", got < 0 ? errno : EPIPE);
    uint64_t now = now_ns();
    c->received += (size_t)got;
    int right = check_answer(c);
    if (right > 0)
        answered(c, now);
    if (right < 0) {
        fprintf(stderr, "echo_load: connection %ld, request %lu: a wrong answer\n", (long)(c - connections), (unsigned long)c->sequence);
        exit(1);
    }
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

/* Only now are the active connections busy. While they were being made each was left alone after its first answer, or a server with kernel
 * threads would hardly come to accept the next one among thousands that compute. */
static void warm_up(void)
{
    phase = WARM_UP;
    for (int i = 0; i < active; i++) /* spread over all, or the active ones would be the first that were accepted */
        ask(&connections[(int64_t)i * wanted / active]);
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
    if (samples == 0)
        die("no request was answered", ETIMEDOUT);
    printf("requests %lu\n", (unsigned long)samples);
    printf("requests_per_second %.1f\n", (double)samples / elapsed);
    printf("p50_us %.1f\n", percentile_us(0.50));
    printf("p99_us %.1f\n", percentile_us(0.99));
    printf("max_us %.1f\n", (double)slowest / 1e3);
    if (server != 0)
        printf("server_cpu_us_per_request %.3f\n", (double)cpu / 1e3 / (double)samples);
}

static void read_option(const char *word)
{
    if (strncmp(word, "server=", 7) == 0) {
        server = (pid_t)number("server", word + 7, 1, 4194304);
    } else if (strncmp(word, "active=", 7) == 0) {
        active = (int)number("active", word + 7, 1, wanted);
    } else if (strcmp(word, "busy") == 0) {
        busy = 1;
    } else if (strcmp(word, "http") == 0) {
        make_request = http_request;
        check_answer = http_answer;
    } else {
        fprintf(stderr, "echo_load: no option '%s'\n", word);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: echo_load PORT CONNECTIONS SECONDS [OPTION...]\n");
        return 2;
    }
    port = (int)number("port", argv[1], 1, 65535);
    active = wanted = (int)number("connections", argv[2], 1, MOST_CONNECTIONS);
    double seconds = number("seconds", argv[3], 0.1, 600);
    for (int i = 4; i < argc; i++)
        read_option(argv[i]);
    raise_descriptor_limit();
    connections = allocate((size_t)wanted, sizeof *connections);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        die("epoll_create1", errno);
    fill();
    warm_up();
    measure(seconds);
    drain();
    printf("answers %lu\n", (unsigned long)answers);
    return 0;
}
