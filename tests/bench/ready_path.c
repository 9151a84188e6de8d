/* The ready path: what a call costs that does not have to wait, before the process has a second thread and after.
 *
 * ready_path [SECONDS]     prints "CALL_first_ns N" and "CALL_ns N" for each call: in main while it is the only thread, and in a created thread
 *
 * The driver subtracts the bare figure from the preloaded one. Calls are timed in batches, so that the clock is not what is measured; what fills
 * a pipe or a socket, or empties it, is outside of the timed part. The best batch counts: whatever else the machine does only adds. */
#include "bench.h"

#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>

enum { BATCH = 256 };

static int sockets[2], pipes[2];
static char bytes[BATCH];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t nobody_waits = PTHREAD_COND_INITIALIZER;
static sem_t tokens;

static void expect(const char *what, ssize_t got, ssize_t wanted)
{
    if (got != wanted)
        die(what, got < 0 ? errno : EPROTO);
}

/* Each is a whole batch; returns the nanoseconds of its timed part. */

static uint64_t time_mutex(void)
{
    uint64_t start = now_ns();
    for (int i = 0; i < BATCH; i++) {
        pthread_mutex_lock(&lock);
        pthread_mutex_unlock(&lock);
    }
    return now_ns() - start;
}

static uint64_t time_signal(void)
{
    uint64_t start = now_ns();
    for (int i = 0; i < BATCH; i++)
        pthread_cond_signal(&nobody_waits);
    return now_ns() - start;
}

static uint64_t time_sem(void)
{
    uint64_t start = now_ns();
    for (int i = 0; i < BATCH; i++) {
        sem_post(&tokens);
        sem_wait(&tokens);
    }
    return now_ns() - start;
}

static uint64_t time_recv(void)
{
    char byte;
    expect("send", send(sockets[1], bytes, BATCH, 0), BATCH);
    uint64_t start = now_ns();
    for (int i = 0; i < BATCH; i++)
        expect("recv", recv(sockets[0], &byte, 1, 0), 1);
    return now_ns() - start;
}

static uint64_t time_pipe_write(void)
{
    uint64_t start = now_ns();
    for (int i = 0; i < BATCH; i++)
        expect("write", write(pipes[1], bytes, 1), 1);
    uint64_t elapsed = now_ns() - start;
    expect("read", read(pipes[0], bytes, BATCH), BATCH);
    return elapsed;
}

static uint64_t time_pipe_read(void)
{
    char byte;
    expect("write", write(pipes[1], bytes, BATCH), BATCH);
    uint64_t start = now_ns();
    for (int i = 0; i < BATCH; i++)
        expect("read", read(pipes[0], &byte, 1), 1);
    return now_ns() - start;
}

static uint64_t time_poll(void)
{
    struct pollfd writable = {.fd = pipes[1], .events = POLLOUT};
    uint64_t start = now_ns();
    for (int i = 0; i < BATCH; i++)
        expect("poll", poll(&writable, 1, -1), 1);
    return now_ns() - start;
}

static const struct {
    const char *name;
    uint64_t (*batch)(void);
} calls[] = {
    {"mutex", time_mutex},           {"cond_signal", time_signal},  {"sem", time_sem},   {"recv", time_recv},
    {"pipe_write", time_pipe_write}, {"pipe_read", time_pipe_read}, {"poll", time_poll},
};
enum { CALLS = sizeof calls / sizeof *calls };

static double seconds = 1;

static double best(uint64_t (*batch)(void))
{
    uint64_t least = UINT64_MAX, end = now_ns() + (uint64_t)(seconds * 1e9 / CALLS / 2);
    do {
        uint64_t elapsed = batch();
        if (elapsed < least)
            least = elapsed;
    } while (now_ns() < end);
    return (double)least / BATCH;
}

static void *measure(void *suffix)
{
    for (int i = 0; i < CALLS; i++)
        printf("%s%s %.2f\n", calls[i].name, (const char *)suffix, best(calls[i].batch));
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t second;
    if (argc > 1)
        seconds = number("seconds", argv[1], 0.01, 60);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0 || pipe2(pipes, O_CLOEXEC) != 0 || sem_init(&tokens, 0, 0) != 0)
        die("start", errno);
    measure("_first_ns");
    create(&second, measure, "_ns");
    join_all(&second, 1);
    return 0;
}
