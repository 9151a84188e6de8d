// What every oracle program shares: a trace that two runs can be compared by, and waits that cannot last.
//
// A program is run bare and under the library, and both traces must be equal byte for byte. So a program prints
// only what Linux guarantees: results, names of errors, orders that some lock or join enforces. It prints no
// address, no id, no duration. Nothing here may be assumed to be async-signal-safe but say_from_handler().
//
// The trace is written a line a call, because fork would copy what stdio has buffered, and by syscall(2), because write is a
// cancellation point and would change what the cancellation tests see.
#ifndef ORACLE_H
#define ORACLE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Long enough for a parked thread to be parked on a busy machine; a trace should not depend on it where that can be had.
enum { SETTLE_MS = 60 };

// A duration may be this much longer than asked for: the machine runs other tests.
enum { GENEROUS_MS = 500 };

// The longest that the kernel's tick may be.
enum { TICK_MS = 10 };

#define MUST(condition) ((condition) ? (void)0 : must_failed(#condition, __FILE__, __LINE__))

static inline void must_failed(const char *condition, const char *file, int line)
{
    const char *base = strrchr(file, '/');
    dprintf(STDERR_FILENO, "%s:%d: not so: %s (errno %s)\n", base ? base + 1 : file, line, condition,
            strerrorname_np(errno));
    _exit(101);
}

// To be called first in main, and again in each child process: an alarm is not inherited.
static inline void begin(void)
{
    alarm(15);
}

static inline void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline void say(const char *format, ...)
{
    int saved = errno;
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length > (int)sizeof line - 2)
        length = (int)sizeof line - 2;
    line[length++] = '\n';
    MUST(syscall(SYS_write, STDOUT_FILENO, line, (size_t)length) == length);
    errno = saved;
}

static inline void say_from_handler(const char *text)
{
    int saved = errno;
    long ignored = syscall(SYS_write, STDOUT_FILENO, text, strlen(text));
    (void)ignored;
    errno = saved;
}

static inline const char *error_name(int error)
{
    const char *name = strerrorname_np(error);
    return error == 0 ? "0" : name ? name : "?";
}

// For calls that return -1 and set errno.
static inline void say_call(const char *what, long result)
{
    if (result == -1)
        say("%s: -1 %s", what, error_name(errno));
    else
        say("%s: %ld", what, result);
}

// For calls that return the error number.
static inline void say_error(const char *what, int error)
{
    say("%s: %s", what, error_name(error));
}

static inline pthread_t start(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, body, argument);
    errno = error;
    MUST(error == 0);
    return thread;
}

// A thread that the library leaves to the kernel: it has an affinity in its attributes.
static inline pthread_t start_foreign(void *(*body)(void *), void *argument)
{
    cpu_set_t cpus;
    pthread_attr_t attributes;
    pthread_t thread;
    MUST(sched_getaffinity(0, sizeof cpus, &cpus) == 0);
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setaffinity_np(&attributes, sizeof cpus, &cpus) == 0);
    MUST(pthread_create(&thread, &attributes, body, argument) == 0);
    MUST(pthread_attr_destroy(&attributes) == 0);
    return thread;
}

static inline pthread_t start_small(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    pthread_attr_t attributes;
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setstacksize(&attributes, 64 * 1024) == 0);
    int error = pthread_create(&thread, &attributes, body, argument);
    errno = error;
    MUST(error == 0);
    MUST(pthread_attr_destroy(&attributes) == 0);
    return thread;
}

static inline void *finish(pthread_t thread)
{
    void *result = NULL;
    int error = pthread_join(thread, &result);
    errno = error;
    MUST(error == 0);
    return result;
}

// The shortest thread there is.
static inline void *return_it(void *value)
{
    return value;
}

// A thread that counts, about once a millisecond, until it is told to end: whether others run while one waits.
struct others {
    int ran;
    bool over;
    pthread_t thread;
};

static inline void *others_run(void *argument)
{
    struct others *others = (struct others *)argument;
    while (!__atomic_load_n(&others->over, __ATOMIC_SEQ_CST)) {
        __atomic_add_fetch(&others->ran, 1, __ATOMIC_SEQ_CST);
        struct timespec turn = {0, 1000000};
        nanosleep(&turn, NULL);
    }
    return NULL;
}

static inline void others_begin(struct others *others)
{
    others->thread = start(others_run, others);
}

static inline void others_end(struct others *others)
{
    __atomic_store_n(&others->over, true, __ATOMIC_SEQ_CST);
    finish(others->thread);
}

// How many kernel threads the process has.
static inline int kernel_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    MUST(tasks);
    int count = 0;
    for (struct dirent *task; (task = readdir(tasks));)
        count += task->d_name[0] != '.';
    MUST(closedir(tasks) == 0);
    return count;
}

static inline struct timespec in_ms(clockid_t clock, long ms)
{
    struct timespec when;
    MUST(clock_gettime(clock, &when) == 0);
    long long ns = when.tv_nsec + (long long)ms * 1000000;
    when.tv_sec += ns / 1000000000;
    when.tv_nsec = ns % 1000000000;
    if (when.tv_nsec < 0) {
        when.tv_nsec += 1000000000;
        when.tv_sec -= 1;
    }
    return when;
}

static inline struct timespec span_ms(long ms)
{
    struct timespec span;
    span.tv_sec = ms / 1000;
    span.tv_nsec = ms % 1000 * 1000000;
    return span;
}

static inline void sleep_ms(long ms)
{
    struct timespec left = span_ms(ms);
    while (nanosleep(&left, &left) == -1)
        MUST(errno == EINTR);
}

// Writes a byte to whoever waits for it.
static inline void *write_to(void *fd)
{
    sleep_ms(20);
    MUST(write((int)(intptr_t)fd, "w", 1) == 1);
    return NULL;
}

static inline void settle(void)
{
    sleep_ms(SETTLE_MS);
}

static inline long long now_ns(clockid_t clock)
{
    struct timespec now;
    MUST(clock_gettime(clock, &now) == 0);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

// The lower bound is exact, the upper one generous; figures appear only when a bound is broken.
static inline void say_took(const char *what, long long since_ns, long at_least_ms)
{
    long long took = now_ns(CLOCK_MONOTONIC) - since_ns;
    if (took < at_least_ms * 1000000LL)
        say("%s: too early, after %lld us", what, took / 1000);
    else if (took > (at_least_ms + GENEROUS_MS) * 1000000LL)
        say("%s: too late, after %lld us", what, took / 1000);
    else
        say("%s: in time", what);
}

// The same where a socket's limit ended it: the kernel counts that in ticks, and on a busy machine it comes a little early.
static inline void say_took_socket(const char *what, long long since_ns, long limit_ms)
{
    say_took(what, since_ns, limit_ms - TICK_MS);
}

static inline struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static inline uint16_t port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    MUST(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    return ntohs(address.sin_port);
}

/* A named pipe whose name has the process's id in it. One that is there already was left by a run that was ended. */
static inline bool fresh_fifo(const char *name)
{
    unlink(name);
    return mkfifo(name, 0600) == 0;
}

static inline int tcp_listener(int backlog)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = loopback(0);
    MUST(fd >= 0);
    MUST(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    MUST(listen(fd, backlog) == 0);
    return fd;
}

static inline int tcp_connect(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = loopback(port);
    MUST(fd >= 0);
    MUST(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

// Two ends of one TCP connection.
static inline void tcp_pair(int ends[2])
{
    int listener = tcp_listener(1);
    ends[0] = tcp_connect(port_of(listener));
    ends[1] = accept(listener, NULL, NULL);
    MUST(ends[1] >= 0);
    MUST(close(listener) == 0);
}

static inline void stream_pair(int ends[2])
{
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
}

static inline void set_timeout(int fd, int option, long ms)
{
    struct timeval span;
    span.tv_sec = ms / 1000;
    span.tv_usec = ms % 1000 * 1000;
    MUST(setsockopt(fd, SOL_SOCKET, option, &span, sizeof span) == 0);
}

static inline bool is_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    MUST(flags >= 0);
    return (flags & O_NONBLOCK) != 0;
}

static inline void set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    MUST(flags >= 0);
    MUST(fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
}

static inline void handle(int signal_number, void (*handler)(int), int flags)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigemptyset(&action.sa_mask);
    MUST(sigaction(signal_number, &action, NULL) == 0);
}

// How a child ended, waited for by its id.
static inline void say_child(const char *what, pid_t child)
{
    int status = 0;
    pid_t got;
    do
        got = waitpid(child, &status, 0);
    while (got == -1 && errno == EINTR);
    MUST(got == child);
    if (WIFEXITED(status))
        say("%s: exit %d", what, WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        say("%s: signal %d", what, WTERMSIG(status));
    else
        say("%s: status %x", what, (unsigned)status);
}

#endif
