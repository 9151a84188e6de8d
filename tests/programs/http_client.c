// Fetches one path many times over many connections at once and compares every byte of every body with a file.
//
//   http_client PORT PATH FILE CONNECTIONS PENDING REQUESTS SECONDS
//
// One process, one epoll loop, a fresh connection for each request, as HTTP/1.0 has it; at most CONNECTIONS at a time, and
// at most PENDING that have had no answer yet. (A listener with a short backlog drops what does not fit, the kernel then
// retries ever more rarely, and a thousand at once would not be done in minutes: with any server.) Prints one line and
// exits 0 when each of REQUESTS responses was '200' with the right Content-Length and exactly the file's bytes; whatever
// else happens is counted, shown and exit 1. SECONDS bounds the whole: what is not done by then is 'unfinished'.

#define _GNU_SOURCE // strcasestr
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 2048, BLOCK = 256 * 1024 };

struct fetch {
    int fd;
    bool asked;
    bool answered;
    bool wrong;
    size_t head_length; // of what was gathered so far; the body begins once `in_body` is set
    bool in_body;
    size_t body_length;
    char head[HEAD_MAX + 1];
};

static struct sockaddr_in server;
static char request[256];
static const char *expected;
static size_t expected_length;
static int loop, wanted, pending_limit, begun, pending, right, wrong, failed;
static struct fetch **idle;
static int idle_count;
static char first_error[128];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void stop(const char *what) {
    perror(what);
    exit(2);
}

static void load_expected(const char *path) {
    struct stat facts;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &facts) < 0) stop(path);
    expected_length = (size_t)facts.st_size;
    expected = mmap(NULL, expected_length, PROT_READ, MAP_PRIVATE, fd, 0);
    if (expected == MAP_FAILED) stop("mmap");
    close(fd);
}

static void raise_limit(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

static void begin(struct fetch *f) {
    memset(f, 0, sizeof *f);
    begun++;
    pending++;
    f->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (f->fd < 0) stop("socket");
    if (connect(f->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) stop("connect");
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = f};
    if (epoll_ctl(loop, EPOLL_CTL_ADD, f->fd, &event) < 0) stop("epoll_ctl");
}

static void begin_what_may(void) {
    while (begun < wanted && idle_count > 0 && pending < pending_limit) begin(idle[--idle_count]);
}

static void answered(struct fetch *f) {
    if (!f->answered) pending--;
    f->answered = true;
}

static void finish(struct fetch *f) {
    answered(f);
    close(f->fd);
    idle[idle_count++] = f;
}

static void broken(struct fetch *f, const char *where, int error) {
    failed++;
    if (!first_error[0]) snprintf(first_error, sizeof first_error, ", first: %s: %s", where, strerror(error));
    finish(f);
}

static void ended(struct fetch *f) {
    if (!f->wrong && f->in_body && f->body_length == expected_length) right++;
    else wrong++;
    finish(f);
}

static void check_body(struct fetch *f, const char *bytes, size_t length) {
    if (f->body_length + length > expected_length || memcmp(expected + f->body_length, bytes, length) != 0) f->wrong = true;
    f->body_length += length;
}

static void check_head(struct fetch *f) {
    int status = 0;
    const char *length = strcasestr(f->head, "\r\nContent-Length:");
    if (sscanf(f->head, "HTTP/1.%*d %d", &status) != 1 || status != 200) f->wrong = true;
    if (!length || strtoul(length + 17, NULL, 10) != expected_length) f->wrong = true;
}

// Gathers the head; what follows it in the same block is body already.
static void take(struct fetch *f, const char *bytes, size_t length) {
    if (f->in_body) {
        check_body(f, bytes, length);
        return;
    }
    size_t part = length < HEAD_MAX - f->head_length ? length : HEAD_MAX - f->head_length;
    size_t before = f->head_length;
    memcpy(f->head + before, bytes, part);
    f->head_length += part;
    f->head[f->head_length] = 0;
    const char *end = strstr(f->head, "\r\n\r\n");
    if (!end) {
        f->wrong = f->wrong || f->head_length == HEAD_MAX;
        return;
    }
    f->in_body = true;
    check_head(f);
    size_t used = (size_t)(end + 4 - f->head) - before;
    check_body(f, bytes + used, length - used);
}

static bool ask(struct fetch *f) {
    ssize_t sent = send(f->fd, request, strlen(request), MSG_NOSIGNAL);
    if (sent == (ssize_t)strlen(request)) f->asked = true;
    else if (sent >= 0) errno = EMSGSIZE; // a hundred bytes into an empty socket: never in parts
    return f->asked || errno == EAGAIN;
}

// Until the socket is empty: the loop is told only of changes.
static void receive(struct fetch *f) {
    static char block[BLOCK];
    for (;;) {
        ssize_t got = recv(f->fd, block, sizeof block, 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got < 0) { broken(f, "recv", errno); return; }
        if (got == 0) { ended(f); return; }
        answered(f);
        take(f, block, (size_t)got);
    }
}

static void step(struct fetch *f, unsigned events) {
    if (!f->asked && (events & (EPOLLERR | EPOLLHUP))) {
        int error = 0;
        socklen_t length = sizeof error;
        getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &length);
        broken(f, "connect", error);
    } else if (!f->asked && (events & EPOLLOUT) && !ask(f)) {
        broken(f, "send", errno);
    } else if (f->asked) {
        receive(f);
    }
}

static void fetch_all(int connections, double deadline) {
    struct fetch *all = calloc((size_t)connections, sizeof *all);
    struct epoll_event ready[256];
    idle = calloc((size_t)connections, sizeof *idle);
    while (idle_count < connections) idle[idle_count] = &all[idle_count], idle_count++;
    while (right + wrong + failed < wanted && now() < deadline) {
        begin_what_may();
        int count = epoll_wait(loop, ready, 256, 200);
        if (count < 0 && errno != EINTR) stop("epoll_wait");
        for (int i = 0; i < count; i++) step(ready[i].data.ptr, ready[i].events);
    }
    free(idle);
    free(all);
}

int main(int argc, char **argv) {
    if (argc != 8) {
        fprintf(stderr, "usage: http_client PORT PATH FILE CONNECTIONS PENDING REQUESTS SECONDS\n");
        return 2;
    }
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", argv[2]);
    load_expected(argv[3]);
    raise_limit();
    pending_limit = atoi(argv[5]);
    wanted = atoi(argv[6]);
    loop = epoll_create1(0);
    double began = now();
    fetch_all(atoi(argv[4]), began + atof(argv[7]));
    printf("right %d, wrong %d, errors %d, unfinished %d, %.1f s%s\n", right, wrong, failed, wanted - right - wrong - failed, now() - began, first_error);
    return right == wanted ? 0 : 1;
}
