// A connect that waits for its listener's queue: a handler that lets calls be restarted does not end it, and a second connect waits for
// what a first one has begun, whatever ended that, or beside it.
#include "oracle.h"

// A listener whose queue is full until somebody accepts: then the next attempt is heard, about a second after the first.
struct slow {
    int listener, first, fd;
    pthread_t connecting;
    sem_t waits;
    char trace[512];
};

static __thread int handled;

static void count(int unused)
{
    (void)unused;
    handled++;
}

static void note(struct slow *slow, const char *what, int result)
{
    size_t used = strlen(slow->trace);
    snprintf(slow->trace + used, sizeof slow->trace - used, " %s: %s;", what, result == -1 ? error_name(errno) : "connected");
}

static int connect_slowly(struct slow *slow)
{
    struct sockaddr_in address = loopback(port_of(slow->listener));
    return connect(slow->fd, (struct sockaddr *)&address, sizeof address);
}

static void set_blocking(struct slow *slow, bool blocking)
{
    int flags = fcntl(slow->fd, F_GETFL);
    MUST(flags >= 0);
    MUST(fcntl(slow->fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) == 0);
}

// The last connect, which somebody's accept lets end.
static void last(struct slow *slow)
{
    MUST(sem_post(&slow->waits) == 0);
    note(slow, "at last", connect_slowly(slow));
    note(slow, "and again", connect_slowly(slow));
    MUST(!is_nonblocking(slow->fd));
}

static void *restarted(void *argument)
{
    struct slow *slow = argument;
    MUST(sem_post(&slow->waits) == 0);
    note(slow, "at last", connect_slowly(slow));
    note(slow, handled == 1 ? "handled, and again" : "not handled, and again", connect_slowly(slow));
    return NULL;
}

static void *interrupted(void *argument)
{
    struct slow *slow = argument;
    MUST(sem_post(&slow->waits) == 0);
    note(slow, "interrupted", connect_slowly(slow));
    // What is sent until this is known is for the first connect.
    sigset_t set;
    MUST(sigemptyset(&set) == 0 && sigaddset(&set, SIGUSR2) == 0 && pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    last(slow);
    return NULL;
}

static void *begun_without_waiting(void *argument)
{
    struct slow *slow = argument;
    set_blocking(slow, false);
    note(slow, "begun", connect_slowly(slow));
    note(slow, "still", connect_slowly(slow));
    set_blocking(slow, true);
    last(slow);
    return NULL;
}

static void *limited(void *argument)
{
    struct slow *slow = argument;
    set_timeout(slow->fd, SO_SNDTIMEO, 50);
    note(slow, "limit", connect_slowly(slow));
    long long began = now_ns(CLOCK_MONOTONIC);
    int result = connect_slowly(slow);
    bool waited = now_ns(CLOCK_MONOTONIC) - began >= (50 - TICK_MS) * 1000000LL;
    note(slow, waited ? "limit again" : "at once", result);
    set_timeout(slow->fd, SO_SNDTIMEO, 0);
    last(slow);
    return NULL;
}

static void *twin(void *argument)
{
    return connect_slowly(argument) == -1 ? (void *)error_name(errno) : "connected";
}

static void *twins(void *argument)
{
    struct slow *slow = argument;
    pthread_t other = start(twin, slow);
    settle();
    MUST(sem_post(&slow->waits) == 0);
    note(slow, "at last", connect_slowly(slow));
    const char *others = finish(other);
    size_t used = strlen(slow->trace);
    snprintf(slow->trace + used, sizeof slow->trace - used, " beside it: %s", others);
    return NULL;
}

static void begin_slow(struct slow *slow, void *(*body)(void *))
{
    slow->listener = tcp_listener(0);
    slow->first = tcp_connect(port_of(slow->listener));
    struct pollfd queue = {slow->listener, POLLIN, 0};
    MUST(poll(&queue, 1, -1) == 1);
    slow->fd = socket(AF_INET, SOCK_STREAM, 0);
    slow->trace[0] = '\0';
    MUST(slow->fd >= 0 && sem_init(&slow->waits, 0, 0) == 0);
    slow->connecting = start(body, slow);
}

static void await(struct slow *slow)
{
    while (sem_wait(&slow->waits) == -1)
        MUST(errno == EINTR);
}

static void accept_one(struct slow *slow)
{
    int fd = accept(slow->listener, NULL, NULL);
    MUST(fd >= 0 && close(fd) == 0);
}

enum { RESTARTED, INTERRUPTED, BEGUN, LIMITED, TWINS, KINDS };
static const char *const names[] = {"restarted", "interrupted", "begun without waiting", "limited", "twins"};
static void *(*const bodies[])(void *) = {restarted, interrupted, begun_without_waiting, limited, twins};

int main(void)
{
    begin();
    static struct slow slow[KINDS];
    handle(SIGUSR1, count, SA_RESTART);
    handle(SIGUSR2, count, 0);
    for (int i = 0; i < KINDS; i++)
        begin_slow(&slow[i], bodies[i]);
    for (int i = 0; i < KINDS; i++)
        await(&slow[i]);
    settle();
    MUST(pthread_kill(slow[RESTARTED].connecting, SIGUSR1) == 0);
    while (sem_trywait(&slow[INTERRUPTED].waits) == -1) {
        MUST(errno == EAGAIN && pthread_kill(slow[INTERRUPTED].connecting, SIGUSR2) == 0);
        sleep_ms(20);
    }
    settle();
    for (int i = 0; i < KINDS; i++)
        accept_one(&slow[i]);
    for (int i = 0; i < KINDS; i++)
        accept_one(&slow[i]);
    for (int i = 0; i < KINDS; i++) {
        finish(slow[i].connecting);
        say("%s:%s", names[i], slow[i].trace);
        MUST(close(slow[i].fd) == 0 && close(slow[i].first) == 0 && close(slow[i].listener) == 0);
    }
    return 0;
}
