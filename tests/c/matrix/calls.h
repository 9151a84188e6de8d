// The table of calls that can wait, and how each is made to wait, made ready and made. The scenarios are the programs beside this file.
//
// tests/symbols.rs compares it with the table of hooks in preload/src/lib.rs: whatever is hooked has a row here or a reason there why
// it never waits. The first string of a row is the symbol.
//
// A call function makes the one call of its row and nothing else that could wait or be cancelled, but after calm(). Its result is 1 where
// the number itself is nobody's business. What is prepared stays in these globals, because each cell is a process of its own.
#ifndef MATRIX_CALLS_H
#define MATRIX_CALLS_H

#include "names.h"

#include <aio.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <termios.h>
#include <threads.h>

#define AS(prototype) ((__typeof__(&prototype))target)
#define NOW_AS(prototype) ((__typeof__(&prototype))target_now)

enum { BLOCK = 4096, MUCH = 4 << 20 };

static int in = -1, out = -1;     // what is read from, and what feeds it; or what drains what is written to
static char block[MUCH];
static char path[64];

// A time of the clock at which a call without a limit would end.
static inline const struct timespec *until(clockid_t clock, long ms)
{
    static _Thread_local struct timespec when;
    when = in_ms(clock, ms < 0 ? 1000000 : ms);
    return &when;
}

static inline struct timespec *for_so_long(long ms)
{
    static _Thread_local struct timespec span;
    span = span_ms(ms);
    return ms < 0 ? NULL : &span;
}

static inline long is(bool as_wanted)
{
    return as_wanted ? 1 : 0;
}

// ---- Input ----

static inline void set_ends(int reads, int writes)
{
    in = the_fd = reads;
    out = writes;
}

static inline void empty_pipe(void)
{
    int ends[2];
    MUST(pipe(ends) == 0);
    set_ends(ends[0], ends[1]);
}

static inline void empty_stream(void)
{
    int ends[2];
    stream_pair(ends);
    set_ends(ends[0], ends[1]);
}

static inline void empty_tcp(void)
{
    int ends[2];
    tcp_pair(ends);
    set_ends(ends[0], ends[1]);
}

static inline void empty_datagrams(void)
{
    int ends[2];
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    set_ends(ends[0], ends[1]);
}

static inline void empty_udp(void)
{
    int ends[2] = {socket(AF_INET, SOCK_DGRAM, 0), socket(AF_INET, SOCK_DGRAM, 0)};
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    MUST(ends[0] >= 0 && ends[1] >= 0 && bind(ends[0], (struct sockaddr *)&address, sizeof address) == 0);
    MUST(getsockname(ends[0], (struct sockaddr *)&address, &length) == 0);
    MUST(connect(ends[1], (struct sockaddr *)&address, length) == 0);
    set_ends(ends[0], ends[1]);
}

static inline void zero_eventfd(void)
{
    int fd = eventfd(0, 0);
    MUST(fd >= 0);
    set_ends(fd, fd);
}

static inline void unset_timer(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    MUST(fd >= 0);
    set_ends(fd, fd);
}

static inline void set_timer(void)
{
    struct itimerspec soon = {.it_value = {.tv_nsec = 1}};
    MUST(timerfd_settime(in, 0, &soon, NULL) == 0);
    sleep_ms(10);
}

static inline void ignore_signal(int unused)
{
    (void)unused;
}

// Every thread of a cell has SIGUSR2 blocked, but where it waits for it.
static inline void handled_signal(void)
{
    handle(SIGUSR2, ignore_signal, 0);
}

static inline void only_this(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGUSR2);
}

static inline void signal_process(void)
{
    MUST(kill(getpid(), SIGUSR2) == 0);
}

static inline void no_signal_yet(void)
{
    sigset_t signals;
    only_this(&signals);
    int fd = signalfd(-1, &signals, 0);
    MUST(fd >= 0);
    set_ends(fd, fd);
}

static inline void forget_path(void)
{
    MUST(unlink(path) == 0);
}

static inline int file_at_path(void)
{
    strcpy(path, "/tmp/greenlet-oracle-XXXXXX");
    int fd = mkstemp(path);
    MUST(fd >= 0);
    at_end = forget_path;
    return fd;
}

static inline void nothing_happened(void)
{
    int writes = file_at_path(), fd = inotify_init();
    MUST(fd >= 0 && inotify_add_watch(fd, path, IN_MODIFY) >= 0);
    set_ends(fd, writes);
}

static inline void idle_terminal(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    struct termios settings;
    MUST(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    MUST(slave >= 0 && tcgetattr(slave, &settings) == 0);
    cfmakeraw(&settings);
    MUST(tcsetattr(slave, TCSANOW, &settings) == 0);
    set_ends(slave, master);
}

static inline void fifo_at_path(void)
{
    snprintf(path, sizeof path, "/tmp/greenlet-oracle-%d.fifo", getpid());
    MUST(fresh_fifo(path));
    at_end = forget_path;
}

static inline void empty_fifo(void)
{
    fifo_at_path();
    int fd = open(path, O_RDWR);
    MUST(fd >= 0);
    set_ends(fd, fd);
}

static inline void feed(void)
{
    MUST(write(out, "x", 1) == 1);
}

static inline void feed_much(void)
{
    MUST(write(out, "some\n", 5) == 5);
}

static inline void feed_count(void)
{
    uint64_t one = 1;
    MUST(write(out, &one, sizeof one) == sizeof one);
}

static char bytes[BLOCK];

static inline long by_read(long ms)
{
    (void)ms;
    return AS(read)(in, bytes, 8);
}

// Of a structure as large as there is room for.
static inline long by_read_of_event(long ms)
{
    (void)ms;
    long got = AS(read)(in, bytes, sizeof bytes);
    return got > 0 ? 1 : got;
}

static inline long by_readv(long ms)
{
    (void)ms;
    struct iovec parts[2] = {{bytes, 1}, {bytes + 1, 7}};
    return AS(readv)(in, parts, 2);
}

static inline long by_preadv2(long ms)
{
    struct iovec part = {bytes, 8};
    return AS(preadv2)(in, &part, 1, -1, ms == 0 ? RWF_NOWAIT : 0);
}

static inline long by_read_chk(long ms)
{
    extern ssize_t matrix_read_chk(int, void *, size_t, size_t);
    (void)ms;
    return AS(matrix_read_chk)(in, bytes, 8, sizeof bytes);
}

static inline long by_eventfd_read(long ms)
{
    eventfd_t value;
    (void)ms;
    return AS(eventfd_read)(in, &value);
}

static inline int flags_for(long ms)
{
    return ms == 0 ? MSG_DONTWAIT : 0;
}

static inline long by_recv(long ms)
{
    return AS(recv)(in, bytes, 8, flags_for(ms));
}

static inline long by_recv_of_all(long ms)
{
    return AS(recv)(in, bytes, 5, flags_for(ms) | MSG_WAITALL);
}

// Some of it is there.
static inline void begun_stream(void)
{
    empty_stream();
    MUST(write(out, "y", 1) == 1);
}

static inline void begun_datagrams(void)
{
    empty_datagrams();
    MUST(write(out, "y", 1) == 1);
}

static inline void feed_all(void)
{
    MUST(write(out, "some", 4) == 4);
}

static inline long by_recv_peeking(long ms)
{
    return AS(recv)(in, bytes, 5, flags_for(ms) | MSG_PEEK);
}

static inline long by_recv_chk(long ms)
{
    extern ssize_t matrix_recv_chk(int, void *, size_t, size_t, int);
    return AS(matrix_recv_chk)(in, bytes, 8, sizeof bytes, flags_for(ms));
}

static inline long by_recvfrom(long ms)
{
    struct sockaddr_storage from;
    socklen_t length = sizeof from;
    return AS(recvfrom)(in, bytes, 8, flags_for(ms), (struct sockaddr *)&from, &length);
}

static inline long by_recvfrom_chk(long ms)
{
    extern ssize_t matrix_recvfrom_chk(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);
    return AS(matrix_recvfrom_chk)(in, bytes, 8, sizeof bytes, flags_for(ms), NULL, NULL);
}

static inline long receive_message(long ms, int flags, size_t size)
{
    struct iovec part = {bytes, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    return AS(recvmsg)(in, &message, flags_for(ms) | flags);
}

static inline long by_recvmsg(long ms)
{
    return receive_message(ms, 0, 8);
}

static inline long by_recvmsg_of_all(long ms)
{
    return receive_message(ms, MSG_WAITALL, 5);
}

static inline long receive_messages(long ms, int flags)
{
    struct iovec parts[2] = {{bytes, 1}, {bytes + 8, 1}};
    struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = &parts[0], .msg_iovlen = 1}},
                                  {.msg_hdr = {.msg_iov = &parts[1], .msg_iovlen = 1}}};
    return AS(recvmmsg)(in, messages, 2, flags_for(ms) | flags, NULL);
}

static inline long by_recvmmsg(long ms)
{
    return receive_messages(ms, 0);
}

static inline long by_recvmmsg_for_one(long ms)
{
    return receive_messages(ms, MSG_WAITFORONE);
}

// ---- Output ----

// Until not one byte more goes in.
static inline void fill(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    MUST(fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
    for (size_t size = BLOCK; size > 0; size /= BLOCK)
        while (write(fd, block, size) > 0) {
        }
    MUST(errno == EAGAIN && fcntl(fd, F_SETFL, flags) == 0);
}

static inline void drain(void)
{
    while (recv(in, block, sizeof block, MSG_DONTWAIT) > 0) {
    }
    MUST(errno == EAGAIN);
}

static inline void drain_pipe(void)
{
    int flags = fcntl(in, F_GETFL);
    MUST(fcntl(in, F_SETFL, flags | O_NONBLOCK) == 0);
    while (read(in, block, sizeof block) > 0) {
    }
    MUST(errno == EAGAIN && fcntl(in, F_SETFL, flags) == 0);
}

static inline void drain_pipe_to_the_end(void)
{
    while (!flag(&current->ended)) {
        drain_pipe();
        sleep_ms(1);
    }
    drain_pipe();
}

static inline void drain_to_the_end(void)
{
    while (!flag(&current->ended)) {
        drain();
        sleep_ms(1);
    }
    drain();
}

static inline void set_sink(int writes, int reads)
{
    out = the_fd = writes;
    in = reads;
}

static inline void roomy_pipe(void)
{
    empty_pipe();
    set_sink(out, in);
}

static inline void roomy_stream(void)
{
    empty_stream();
    set_sink(out, in);
}

static inline void full_pipe(void)
{
    roomy_pipe();
    fill(out);
}

static inline void full_stream(void)
{
    roomy_stream();
    fill(out);
}

// With little room, which the kernel would widen.
static inline void roomy_tcp(void)
{
    int little = 1 << 16;
    empty_tcp();
    set_sink(out, in);
    MUST(setsockopt(out, SOL_SOCKET, SO_SNDBUF, &little, sizeof little) == 0);
    MUST(setsockopt(in, SOL_SOCKET, SO_RCVBUF, &little, sizeof little) == 0);
}

static inline void full_eventfd(void)
{
    int fd = eventfd(0, 0);
    uint64_t most = UINT64_MAX - 1;
    MUST(fd >= 0 && write(fd, &most, sizeof most) == sizeof most);
    set_sink(fd, fd);
}

static inline void take_count(void)
{
    uint64_t count;
    MUST(read(in, &count, sizeof count) == sizeof count);
}

static inline long by_write(long ms)
{
    (void)ms;
    return AS(write)(out, "w", 1);
}

static inline long by_write_of_count(long ms)
{
    uint64_t one = 1;
    (void)ms;
    return AS(write)(out, &one, sizeof one);
}

static inline long all_or_part(long sent)
{
    return sent == MUCH ? 2 : sent > 0 ? 1 : sent;
}

static inline long by_write_of_much(long ms)
{
    (void)ms;
    return all_or_part(AS(write)(out, block, MUCH));
}

static inline long by_writev(long ms)
{
    struct iovec part = {"w", 1};
    (void)ms;
    return AS(writev)(out, &part, 1);
}

static inline long by_writev_of_much(long ms)
{
    struct iovec parts[2] = {{block, MUCH / 2}, {block + MUCH / 2, MUCH / 2}};
    (void)ms;
    return all_or_part(AS(writev)(out, parts, 2));
}

static inline long by_pwritev2(long ms)
{
    struct iovec part = {"w", 1};
    return AS(pwritev2)(out, &part, 1, -1, ms == 0 ? RWF_NOWAIT : 0);
}

static inline long by_eventfd_write(long ms)
{
    (void)ms;
    return AS(eventfd_write)(out, 1);
}

static inline long by_send(long ms)
{
    return AS(send)(out, "w", 1, flags_for(ms));
}

static inline long by_send_of_much(long ms)
{
    return all_or_part(AS(send)(out, block, MUCH, flags_for(ms)));
}

static inline long by_sendto(long ms)
{
    return AS(sendto)(out, "w", 1, flags_for(ms), NULL, 0);
}

static inline long by_sendmsg(long ms)
{
    struct iovec part = {"w", 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    return AS(sendmsg)(out, &message, flags_for(ms));
}

static inline long by_sendmsg_of_much(long ms)
{
    struct iovec part = {block, MUCH};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    return all_or_part(AS(sendmsg)(out, &message, flags_for(ms)));
}

static inline long by_sendmmsg_of_much(long ms)
{
    struct iovec parts[2] = {{"w", 1}, {block, MUCH}};
    struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = &parts[0], .msg_iovlen = 1}},
                                  {.msg_hdr = {.msg_iov = &parts[1], .msg_iovlen = 1}}};
    long sent = AS(sendmmsg)(out, messages, 2, flags_for(ms));
    return sent == 2 && messages[1].msg_len == MUCH ? 3 : sent;
}

static inline long by_sendmmsg(long ms)
{
    struct iovec part = {"w", 1};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
    return AS(sendmmsg)(out, &message, 1, flags_for(ms));
}

// ---- Transfers ----

static int file = -1;

// More than there is room for.
static inline void file_to_stream(void)
{
    roomy_stream();
    file = memfd_create("file", 0);
    MUST(file >= 0 && write(file, block, MUCH) == MUCH);
}

static inline long by_sendfile_of_much(long ms)
{
    off_t from = 0;
    (void)ms;
    return all_or_part(AS(sendfile)(out, file, &from, MUCH));
}

static inline void file_to_full_stream(void)
{
    full_stream();
    file = memfd_create("file", 0);
    MUST(file >= 0 && write(file, "file", 4) == 4);
}

static inline void file_to_full_pipe(void)
{
    full_pipe();
    file = memfd_create("file", 0);
    MUST(file >= 0 && write(file, "file", 4) == 4);
}

static inline long by_sendfile(long ms)
{
    off_t from = 0;
    (void)ms;
    return AS(sendfile)(out, file, &from, 4);
}

static int aside[2];

static inline void empty_pipe_and_another(void)
{
    MUST(pipe(aside) == 0);
    empty_pipe();
}

static inline void full_pipe_and_another(void)
{
    MUST(pipe(aside) == 0 && write(aside[1], "byte", 4) == 4);
    full_pipe();
}

static inline unsigned splice_flags_for(long ms)
{
    return ms == 0 ? SPLICE_F_NONBLOCK : 0;
}

static inline long by_splice_from(long ms)
{
    return AS(splice)(in, NULL, aside[1], NULL, 8, splice_flags_for(ms));
}

static inline long by_splice_to(long ms)
{
    return AS(splice)(aside[0], NULL, out, NULL, 1, splice_flags_for(ms));
}

static inline long by_tee_from(long ms)
{
    return AS(tee)(in, aside[1], 8, splice_flags_for(ms));
}

static inline long by_tee_to(long ms)
{
    return AS(tee)(aside[0], out, 1, splice_flags_for(ms));
}

static inline long by_vmsplice(long ms)
{
    struct iovec part = {block, 1};
    return AS(vmsplice)(out, &part, 1, splice_flags_for(ms));
}

// ---- Connections ----

static struct sockaddr_un address;

static inline void idle_listener(void)
{
    the_fd = in = tcp_listener(5);
}

static inline void idle_unix_listener(int backlog)
{
    // In the abstract space: nothing is left behind.
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "greenlet-oracle-%d", getpid());
    the_fd = in = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(in >= 0 && bind(in, (struct sockaddr *)&address, sizeof address) == 0 && listen(in, backlog) == 0);
}

static inline void unix_listener(void)
{
    idle_unix_listener(5);
}

static inline void call_up(void)
{
    tcp_connect(port_of(in));
}

static inline void call_up_unix(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
}

static inline long by_accept(long ms)
{
    (void)ms;
    return AS(accept)(in, NULL, NULL) >= 0 ? 1 : -1;
}

static inline long by_accept4(long ms)
{
    (void)ms;
    return AS(accept4)(in, NULL, NULL, SOCK_CLOEXEC) >= 0 ? 1 : -1;
}

static inline void full_backlog(void)
{
    idle_unix_listener(0);
    for (;;) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        MUST(fd >= 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == -1)
            break;
    }
    MUST(errno == EAGAIN);
    the_fd = out = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(out >= 0);
}

static inline void accept_one(void)
{
    MUST(accept(in, NULL, NULL) >= 0);
}

static inline long by_connect(long ms)
{
    (void)ms;
    return AS(connect)(out, (struct sockaddr *)&address, sizeof address);
}

// ---- Readiness ----

static int set;

static inline void pipe_in_epoll(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    empty_pipe();
    set = epoll_create1(0);
    MUST(set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, in, &event) == 0);
}

static inline void nothing(void) {}

static inline long by_poll(long ms)
{
    struct pollfd item = {.fd = in, .events = POLLIN};
    return AS(poll)(&item, 1, (int)ms);
}

static inline long by_poll_for_room(long ms)
{
    struct pollfd item = {.fd = out, .events = POLLOUT};
    return AS(poll)(&item, 1, (int)ms);
}

static inline long by_poll_of_nothing(long ms)
{
    return AS(poll)(NULL, 0, (int)ms);
}

static inline long by_poll_chk(long ms)
{
    extern int matrix_poll_chk(struct pollfd *, nfds_t, int, size_t);
    struct pollfd item = {.fd = in, .events = POLLIN};
    return AS(matrix_poll_chk)(&item, 1, (int)ms, sizeof item);
}

static inline long by_ppoll(long ms)
{
    struct pollfd item = {.fd = in, .events = POLLIN};
    return AS(ppoll)(&item, 1, for_so_long(ms), NULL);
}

static inline long by_ppoll_with_mask(long ms)
{
    struct pollfd item = {.fd = in, .events = POLLIN};
    sigset_t none;
    sigemptyset(&none);
    return AS(ppoll)(&item, 1, for_so_long(ms), &none);
}

static inline long by_ppoll_chk(long ms)
{
    extern int matrix_ppoll_chk(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *, size_t);
    struct pollfd item = {.fd = in, .events = POLLIN};
    return AS(matrix_ppoll_chk)(&item, 1, for_so_long(ms), NULL, sizeof item);
}

static inline long by_select(long ms)
{
    fd_set reads;
    struct timeval span = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    FD_ZERO(&reads);
    FD_SET(in, &reads);
    return AS(select)(in + 1, &reads, NULL, NULL, ms < 0 ? NULL : &span);
}

static inline long by_select_of_nothing(long ms)
{
    struct timeval span = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    return AS(select)(0, NULL, NULL, NULL, ms < 0 ? NULL : &span);
}

static inline long by_pselect(long ms)
{
    fd_set reads;
    FD_ZERO(&reads);
    FD_SET(in, &reads);
    return AS(pselect)(in + 1, &reads, NULL, NULL, for_so_long(ms), NULL);
}

static inline long by_epoll_wait(long ms)
{
    struct epoll_event event;
    return AS(epoll_wait)(set, &event, 1, (int)ms);
}

static inline long by_epoll_pwait(long ms)
{
    struct epoll_event event;
    return AS(epoll_pwait)(set, &event, 1, (int)ms, NULL);
}

static inline long by_epoll_pwait2(long ms)
{
    struct epoll_event event;
    return AS(epoll_pwait2)(set, &event, 1, for_so_long(ms), NULL);
}

// ---- Sleeps ----

static inline struct timespec a_span(long ms)
{
    return span_ms(ms < 0 ? 1000000 : ms);
}

static inline long by_nanosleep(long ms)
{
    struct timespec span = a_span(ms);
    return AS(nanosleep)(&span, NULL);
}

static inline long by_clock_nanosleep(long ms)
{
    struct timespec span = a_span(ms);
    return AS(clock_nanosleep)(CLOCK_MONOTONIC, 0, &span, NULL);
}

static inline long by_clock_nanosleep_until(long ms)
{
    return AS(clock_nanosleep)(CLOCK_REALTIME, TIMER_ABSTIME, until(CLOCK_REALTIME, ms), NULL);
}

static inline long by_clock_nanosleep_of_boottime(long ms)
{
    struct timespec span = a_span(ms);
    return AS(clock_nanosleep)(CLOCK_BOOTTIME, 0, &span, NULL);
}

static inline long by_thrd_sleep(long ms)
{
    struct timespec span = a_span(ms);
    return AS(thrd_sleep)(&span, NULL);
}

static inline long by_usleep(long ms)
{
    return AS(usleep)(ms < 0 ? 1000000000 : (useconds_t)ms * 1000);
}

// Whole seconds: its time-out is one.
static inline long by_sleep(long ms)
{
    return is(AS(sleep)(ms < 0 ? 1000 : ms == 0 ? 0 : 1) != 0);
}

// ---- Locks ----

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_spinlock_t spin;
static mtx_t mtx;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

static inline void held_mutex(void)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
}

static inline void held_recursive_mutex(void)
{
    pthread_mutexattr_t attributes;
    MUST(pthread_mutexattr_init(&attributes) == 0);
    MUST(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE) == 0);
    MUST(pthread_mutex_init(&mutex, &attributes) == 0);
    held_mutex();
}

static inline void held_shared_mutex(void)
{
    pthread_mutexattr_t attributes;
    MUST(pthread_mutexattr_init(&attributes) == 0);
    MUST(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
    MUST(pthread_mutex_init(&mutex, &attributes) == 0);
    held_mutex();
}

static inline void held_robust_mutex(void)
{
    pthread_mutexattr_t attributes;
    MUST(pthread_mutexattr_init(&attributes) == 0);
    MUST(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
    MUST(pthread_mutex_init(&mutex, &attributes) == 0);
    held_mutex();
}

static inline void held_inheriting_mutex(void)
{
    pthread_mutexattr_t attributes;
    MUST(pthread_mutexattr_init(&attributes) == 0);
    MUST(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0);
    MUST(pthread_mutex_init(&mutex, &attributes) == 0);
    held_mutex();
}

static inline void unlock_mutex(void)
{
    MUST(pthread_mutex_unlock(&mutex) == 0);
}

static inline long unlocked(int error)
{
    calm();
    if (error == 0)
        unlock_mutex();
    return error;
}

static inline long by_mutex_lock(long ms)
{
    return unlocked(ms == 0 ? NOW_AS(pthread_mutex_trylock)(&mutex) : AS(pthread_mutex_lock)(&mutex));
}

static inline long by_mutex_timedlock(long ms)
{
    return unlocked(AS(pthread_mutex_timedlock)(&mutex, until(CLOCK_REALTIME, ms)));
}

static inline long by_mutex_clocklock(long ms)
{
    return unlocked(AS(pthread_mutex_clocklock)(&mutex, CLOCK_MONOTONIC, until(CLOCK_MONOTONIC, ms)));
}

static inline void held_spin(void)
{
    MUST(pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE) == 0 && pthread_spin_lock(&spin) == 0);
}

static inline void unlock_spin(void)
{
    MUST(pthread_spin_unlock(&spin) == 0);
}

static inline long by_spin_lock(long ms)
{
    (void)ms;
    int error = AS(pthread_spin_lock)(&spin);
    calm();
    unlock_spin();
    return error;
}

static inline void held_mtx(void)
{
    MUST(mtx_init(&mtx, mtx_timed) == thrd_success && mtx_lock(&mtx) == thrd_success);
}

static inline void unlock_mtx(void)
{
    MUST(mtx_unlock(&mtx) == thrd_success);
}

static inline long by_mtx_lock(long ms)
{
    int result = ms == 0 ? NOW_AS(mtx_trylock)(&mtx) : AS(mtx_lock)(&mtx);
    calm();
    if (result == thrd_success)
        unlock_mtx();
    return result;
}

static inline long by_mtx_timedlock(long ms)
{
    int result = AS(mtx_timedlock)(&mtx, until(CLOCK_REALTIME, ms));
    calm();
    if (result == thrd_success)
        unlock_mtx();
    return result;
}

static inline void written_rwlock(void)
{
    MUST(pthread_rwlock_wrlock(&rwlock) == 0);
}

static inline void read_rwlock(void)
{
    MUST(pthread_rwlock_rdlock(&rwlock) == 0);
}

static inline void unlock_rwlock(void)
{
    MUST(pthread_rwlock_unlock(&rwlock) == 0);
}

static inline long let_go(int error)
{
    calm();
    if (error == 0)
        unlock_rwlock();
    return error;
}

static inline long by_rwlock(long ms)
{
    return let_go(ms == 0 ? NOW_AS(pthread_rwlock_tryrdlock)(&rwlock) : AS(pthread_rwlock_rdlock)(&rwlock));
}

static inline long by_timed_rwlock(long ms)
{
    return let_go(AS(pthread_rwlock_timedrdlock)(&rwlock, until(CLOCK_REALTIME, ms)));
}

static inline long by_clock_rwlock(long ms)
{
    return let_go(AS(pthread_rwlock_clockrdlock)(&rwlock, CLOCK_MONOTONIC, until(CLOCK_MONOTONIC, ms)));
}

// ---- Conditions: a state that is waited for, and taken ----

typedef struct {
    void *hidden; // what a condition of glibc before 2.3.2 was
} old_cond_t;

extern int matrix_old_signal(old_cond_t *);
__asm__(".symver matrix_old_signal, pthread_cond_signal@GLIBC_2.2.5");

static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static old_cond_t old_cond;
static cnd_t cnd;
static int state;

static inline void signal_cond(void)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    state++;
    MUST(pthread_cond_signal(&cond) == 0);
    unlock_mutex();
}

static inline void signal_old_cond(void)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    state++;
    MUST(matrix_old_signal(&old_cond) == 0);
    unlock_mutex();
}

static inline void unlock_in_cleanup(void *unused)
{
    (void)unused;
    unlock_mutex(); // fails unless it is held again
}

#define WAIT_FOR_STATE(wait)                                                                                                               \
    int error = 0;                                                                                                                         \
    MUST(pthread_mutex_lock(&mutex) == 0);                                                                                                 \
    pthread_cleanup_push(unlock_in_cleanup, NULL);                                                                                         \
    while (state == 0 && error == 0)                                                                                                       \
        error = wait;                                                                                                                      \
    state -= error == 0;                                                                                                                   \
    pthread_cleanup_pop(1);                                                                                                                \
    return error

static inline long by_cond_wait(long ms)
{
    (void)ms;
    WAIT_FOR_STATE(AS(pthread_cond_wait)(&cond, &mutex));
}

static inline long by_cond_timedwait(long ms)
{
    const struct timespec *when = until(CLOCK_REALTIME, ms);
    WAIT_FOR_STATE(AS(pthread_cond_timedwait)(&cond, &mutex, when));
}

static inline long by_cond_clockwait(long ms)
{
    const struct timespec *when = until(CLOCK_MONOTONIC, ms);
    WAIT_FOR_STATE(AS(pthread_cond_clockwait)(&cond, &mutex, CLOCK_MONOTONIC, when));
}

static inline long by_old_cond_wait(long ms)
{
    extern int matrix_old_wait(old_cond_t *, pthread_mutex_t *);
    (void)ms;
    WAIT_FOR_STATE(AS(matrix_old_wait)(&old_cond, &mutex));
}

static inline long by_old_cond_timedwait(long ms)
{
    extern int matrix_old_timedwait(old_cond_t *, pthread_mutex_t *, const struct timespec *);
    const struct timespec *when = until(CLOCK_REALTIME, ms);
    WAIT_FOR_STATE(AS(matrix_old_timedwait)(&old_cond, &mutex, when));
}

static inline void new_cnd(void)
{
    MUST(mtx_init(&mtx, mtx_plain) == thrd_success && cnd_init(&cnd) == thrd_success);
}

static inline void signal_cnd(void)
{
    MUST(mtx_lock(&mtx) == thrd_success);
    state++;
    MUST(cnd_signal(&cnd) == thrd_success);
    unlock_mtx();
}

static inline void unlock_mtx_in_cleanup(void *unused)
{
    (void)unused;
    unlock_mtx();
}

static inline long by_cnd_wait(long ms)
{
    int result = thrd_success;
    const struct timespec *when = until(CLOCK_REALTIME, ms);
    bool timed = strcmp(row->symbol, "cnd_wait") != 0;
    MUST(mtx_lock(&mtx) == thrd_success);
    pthread_cleanup_push(unlock_mtx_in_cleanup, NULL);
    while (state == 0 && result == thrd_success)
        result = timed ? AS(cnd_timedwait)(&cnd, &mtx, when) : AS(cnd_wait)(&cnd, &mtx);
    state -= result == thrd_success;
    pthread_cleanup_pop(1);
    return result;
}

// ---- Semaphores, barriers, once, threads, futexes ----

static sem_t sem, entered;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_t joined;
static uint32_t word;

static inline void zero_sem(void)
{
    MUST(sem_init(&sem, 0, 0) == 0 && sem_init(&entered, 0, 0) == 0);
}

static inline void zero_shared_sem(void)
{
    MUST(sem_init(&sem, 1, 0) == 0);
}

static inline void post(void)
{
    MUST(sem_post(&sem) == 0);
}

static inline void take(sem_t *which)
{
    while (sem_wait(which) == -1)
        MUST(errno == EINTR);
}

static inline long by_sem_wait(long ms)
{
    return ms == 0 ? NOW_AS(sem_trywait)(&sem) : AS(sem_wait)(&sem);
}

static inline long by_sem_timedwait(long ms)
{
    return AS(sem_timedwait)(&sem, until(CLOCK_REALTIME, ms));
}

static inline long by_sem_clockwait(long ms)
{
    return AS(sem_clockwait)(&sem, CLOCK_MONOTONIC, until(CLOCK_MONOTONIC, ms));
}

static inline void barrier_of_two(void)
{
    MUST(pthread_barrier_init(&barrier, NULL, 2) == 0);
}

static inline void meet(void)
{
    int result = pthread_barrier_wait(&barrier);
    MUST(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
}

static inline long by_barrier_wait(long ms)
{
    (void)ms;
    int result = AS(pthread_barrier_wait)(&barrier);
    return result == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : result;
}

static inline void initialise(void)
{
    MUST(sem_post(&entered) == 0);
    take(&sem);
}

static inline void *initialiser(void *unused)
{
    MUST(pthread_once(&once, initialise) == 0);
    return unused;
}

static inline void begun_once(void)
{
    zero_sem();
    joined = start(initialiser, NULL);
    take(&entered);
}

static inline void end_once(void)
{
    post();
    finish(joined);
}

static inline long by_once(long ms)
{
    (void)ms;
    return AS(pthread_once)(&once, initialise);
}

static inline long by_call_once(long ms)
{
    (void)ms;
    ((void (*)(pthread_once_t *, void (*)(void)))target)(&once, initialise);
    return 0;
}

static inline void *hold_on(void *unused)
{
    take(&sem);
    return unused;
}

static inline int thrd_hold_on(void *unused)
{
    (void)unused;
    take(&sem);
    return 5;
}

static inline void working_thread(void)
{
    zero_sem();
    joined = start(hold_on, NULL);
}

static inline void working_thrd(void)
{
    zero_sem();
    MUST(thrd_create(&joined, thrd_hold_on, NULL) == thrd_success);
}

// How far its end has come nobody can see before the join.
static inline void end_thread(void)
{
    post();
    settle();
}

static inline long by_join(long ms)
{
    return ms == 0 ? NOW_AS(pthread_tryjoin_np)(joined, NULL) : AS(pthread_join)(joined, NULL);
}

static inline long by_timedjoin(long ms)
{
    return AS(pthread_timedjoin_np)(joined, NULL, until(CLOCK_REALTIME, ms));
}

static inline long by_clockjoin(long ms)
{
    return AS(pthread_clockjoin_np)(joined, NULL, CLOCK_MONOTONIC, until(CLOCK_MONOTONIC, ms));
}

static inline long by_thrd_join(long ms)
{
    int result = 0;
    (void)ms;
    return AS(thrd_join)(joined, &result) == thrd_success ? result : -1;
}

static inline void wake_word(void)
{
    __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
    MUST(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1) >= 0);
}

static inline long by_futex_wait(long ms)
{
    return AS(syscall)(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, for_so_long(ms));
}

static inline long by_futex_wait_long(long ms)
{
    struct timespec span = a_span(ms);
    return AS(syscall)(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &span);
}

static inline long by_futex_wait_bitset(long ms)
{
    return AS(syscall)(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, until(CLOCK_MONOTONIC, ms), NULL, FUTEX_BITSET_MATCH_ANY);
}

// ---- Signals ----

// One that comes just before the call does not count: again, until it has ended.
static inline void signal_waiter(void)
{
    do
        MUST(pthread_kill(current->thread, SIGUSR2) == 0);
    while (!ended_within(current, 10));
}

static inline long by_pause(long ms)
{
    sigset_t signals;
    (void)ms;
    only_this(&signals);
    MUST(pthread_sigmask(SIG_UNBLOCK, &signals, NULL) == 0);
    return AS(pause)();
}

static inline long by_sigsuspend(long ms)
{
    sigset_t none;
    (void)ms;
    sigemptyset(&none);
    return AS(sigsuspend)(&none);
}

static inline long by_sigpause(long mask)
{
    extern int matrix_sigpause(int);
    (void)mask;
    return AS(matrix_sigpause)(0);
}

static inline long by_xpg_sigpause(long ms)
{
    extern int matrix_sigpause(int);
    (void)ms;
    return AS(matrix_sigpause)(SIGUSR2);
}

static inline long by_sigwait(long ms)
{
    sigset_t signals;
    int number = 0;
    (void)ms;
    only_this(&signals);
    int error = AS(sigwait)(&signals, &number);
    return error == 0 && number != SIGUSR2 ? EBADMSG : error;
}

static inline long by_sigwaitinfo(long ms)
{
    sigset_t signals;
    siginfo_t info;
    (void)ms;
    only_this(&signals);
    return AS(sigwaitinfo)(&signals, &info);
}

static inline long by_sigtimedwait(long ms)
{
    sigset_t signals;
    siginfo_t info;
    only_this(&signals);
    return AS(sigtimedwait)(&signals, &info, for_so_long(ms));
}

// ---- Processes ----

static pid_t child;

static inline void living_child(void)
{
    int ends[2];
    MUST(pipe(ends) == 0);
    child = fork();
    MUST(child >= 0);
    if (child == 0) {
        char byte;
        MUST(close(ends[1]) == 0);
        begin();
        _exit(read(ends[0], &byte, 1) == 1 ? 3 : 4);
    }
    MUST(close(ends[0]) == 0);
    out = ends[1];
}

static inline void end_child(void)
{
    siginfo_t info;
    feed();
    // Unless who waits for it was faster.
    MUST(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0 || errno == ECHILD);
}

static inline int wait_flags_for(long ms)
{
    return ms == 0 ? WNOHANG : 0;
}

static inline long child_is(pid_t got, int status)
{
    return got > 0 ? is(got == child && WIFEXITED(status) && WEXITSTATUS(status) == 3) : got;
}

static inline long by_wait(long ms)
{
    int status = 0;
    (void)ms;
    pid_t got = ((pid_t(*)(int *))target)(&status);
    return child_is(got, status);
}

static inline long by_waitpid(long ms)
{
    int status = 0;
    pid_t got = AS(waitpid)(child, &status, wait_flags_for(ms));
    return child_is(got, status);
}

static inline long by_wait3(long ms)
{
    int status = 0;
    struct rusage usage;
    pid_t got = ((pid_t(*)(int *, int, struct rusage *))target)(&status, wait_flags_for(ms), &usage);
    return child_is(got, status);
}

static inline long by_wait4(long ms)
{
    int status = 0;
    struct rusage usage;
    pid_t got = ((pid_t(*)(pid_t, int *, int, struct rusage *))target)(child, &status, wait_flags_for(ms), &usage);
    return child_is(got, status);
}

static inline long by_waitid(long ms)
{
    siginfo_t info = {.si_pid = 0};
    int result = AS(waitid)(P_PID, (id_t)child, &info, WEXITED | wait_flags_for(ms));
    return result == 0 && info.si_pid == 0 ? 7 : result;
}

// The shell waits for the line of a named pipe.
static inline long by_system(long ms)
{
    char command[128];
    (void)ms;
    snprintf(command, sizeof command, "read line < %s; exit 3", path);
    int status = AS(system)(command);
    return status == -1 ? -1 : WEXITSTATUS(status);
}

static FILE *stream;

static inline void stream_of_shell(void)
{
    char command[128];
    empty_fifo();
    snprintf(command, sizeof command, "read line < %s; exit 3", path);
    stream = popen(command, "r");
    MUST(stream);
}

static inline long by_pclose(long ms)
{
    (void)ms;
    int status = AS(pclose)(stream);
    return status == -1 ? -1 : WEXITSTATUS(status);
}

// Its other end.
static inline void open_fifo(void)
{
    MUST(open(path, O_RDWR) >= 0);
}

// The child opens the pipe before it becomes another program.
static inline long by_spawn(long ms)
{
    extern char **environ;
    char *arguments[] = {"true", NULL};
    posix_spawn_file_actions_t actions;
    pid_t spawned;
    (void)ms;
    MUST(posix_spawn_file_actions_init(&actions) == 0);
    MUST(posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, path, O_RDONLY, 0) == 0);
    bool by_path = strcmp(row->symbol, "posix_spawn") == 0;
    return AS(posix_spawn)(&spawned, by_path ? "/bin/true" : "true", &actions, NULL, arguments, environ);
}

static inline int open_flags_for(long ms)
{
    return ms == 0 ? O_RDONLY | O_NONBLOCK : O_RDONLY;
}

static inline long by_open(long ms)
{
    return is(AS(open)(path, open_flags_for(ms), 0) >= 0) ?: -1;
}

static inline long by_open_2(long ms)
{
    extern int matrix_open_2(const char *, int);
    return is(AS(matrix_open_2)(path, open_flags_for(ms)) >= 0) ?: -1;
}

static inline long by_openat(long ms)
{
    return is(AS(openat)(AT_FDCWD, path, open_flags_for(ms), 0) >= 0) ?: -1;
}

static inline long by_openat_2(long ms)
{
    extern int matrix_openat_2(int, const char *, int);
    return is(AS(matrix_openat_2)(AT_FDCWD, path, open_flags_for(ms)) >= 0) ?: -1;
}

// For writing: what waits is the other end.
static inline long by_creat(long ms)
{
    (void)ms;
    return is(AS(creat)(path, 0600) >= 0) ?: -1;
}

static inline long by_fopen(long ms)
{
    (void)ms;
    return is(AS(fopen)(path, "r")) ?: -1;
}

static inline long by_freopen(long ms)
{
    (void)ms;
    return is(AS(freopen)(path, "r", stdin)) ?: -1;
}

// ---- Locks of files ----

static inline int opened_again(int fd)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int other = open(name, O_RDWR);
    MUST(other >= 0);
    return other;
}

static inline void locked_file(void)
{
    out = memfd_create("locked", 0);
    MUST(out >= 0);
    in = opened_again(out);
    MUST(flock(out, LOCK_EX) == 0);
}

static inline void unlock_file(void)
{
    MUST(flock(out, LOCK_UN) == 0);
}

static inline long by_flock(long ms)
{
    int result = AS(flock)(in, ms == 0 ? LOCK_EX | LOCK_NB : LOCK_EX);
    return result;
}

static inline void locked_description(void)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    out = memfd_create("locked", 0);
    MUST(out >= 0);
    in = opened_again(out);
    MUST(fcntl(out, F_OFD_SETLK, &all) == 0);
}

static inline void unlock_description(void)
{
    struct flock all = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    MUST(fcntl(out, F_OFD_SETLK, &all) == 0);
}

static inline long by_description_lock(long ms)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return AS(fcntl)(in, ms == 0 ? F_OFD_SETLK : F_OFD_SETLKW, &all);
}

// A process lock is no obstacle to the process itself: a child holds it.
static inline void locked_by_child(void)
{
    int ends[2], ready[2];
    char byte;
    in = memfd_create("locked", 0);
    MUST(in >= 0 && pipe(ends) == 0 && pipe(ready) == 0);
    child = fork();
    MUST(child >= 0);
    if (child == 0) {
        begin();
        MUST(close(ends[1]) == 0 && lockf(in, F_LOCK, 0) == 0 && write(ready[1], "r", 1) == 1);
        _exit(read(ends[0], &byte, 1) == 1 ? 3 : 4);
    }
    MUST(read(ready[0], &byte, 1) == 1 && close(ends[0]) == 0);
    out = ends[1];
}

static inline long by_process_lock(long ms)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return AS(fcntl)(in, ms == 0 ? F_SETLK : F_SETLKW, &all);
}

static inline long by_lockf(long ms)
{
    return AS(lockf)(in, ms == 0 ? F_TLOCK : F_LOCK, 0);
}

// ---- Messages ----

static int id;
static mqd_t queue;
static struct {
    long type;
    char data[64];
} message = {.type = 7, .data = "message"};

static inline void remove_queue(void)
{
    MUST(msgctl(id, IPC_RMID, NULL) == 0);
}

static inline void empty_messages(void)
{
    id = msgget(IPC_PRIVATE, 0600);
    MUST(id != -1);
    at_end = remove_queue;
}

static inline void full_messages(void)
{
    empty_messages();
    while (msgsnd(id, &message, sizeof message.data, IPC_NOWAIT) == 0) {
    }
    MUST(errno == EAGAIN);
}

static inline void send_message(void)
{
    MUST(msgsnd(id, &message, 7, 0) == 0);
}

static inline void take_message(void)
{
    MUST(msgrcv(id, &message, sizeof message.data, 7, 0) == sizeof message.data);
}

static inline long by_msgrcv(long ms)
{
    typeof(message) got;
    return AS(msgrcv)(id, &got, sizeof got.data, 7, ms == 0 ? IPC_NOWAIT : 0);
}

static inline long by_msgsnd(long ms)
{
    return AS(msgsnd)(id, &message, sizeof message.data, ms == 0 ? IPC_NOWAIT : 0);
}

static inline void remove_semaphores(void)
{
    MUST(semctl(id, 0, IPC_RMID) == 0);
}

static inline void zero_semaphore(void)
{
    id = semget(IPC_PRIVATE, 1, 0600);
    MUST(id != -1);
    at_end = remove_semaphores;
}

static inline void up(void)
{
    struct sembuf one = {.sem_op = 1};
    MUST(semop(id, &one, 1) == 0);
}

static inline long by_semop(long ms)
{
    struct sembuf one = {.sem_op = -1, .sem_flg = ms == 0 ? IPC_NOWAIT : 0};
    return AS(semop)(id, &one, 1);
}

static inline long by_semtimedop(long ms)
{
    struct sembuf one = {.sem_op = -1};
    return AS(semtimedop)(id, &one, 1, for_so_long(ms));
}

static inline void empty_queue(void)
{
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 16};
    char name[64];
    snprintf(name, sizeof name, "/greenlet-oracle-%d", getpid());
    queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
    MUST(queue != (mqd_t)-1 && mq_unlink(name) == 0);
    the_fd = queue;
}

static inline void send_to_queue(void)
{
    MUST(mq_send(queue, "hello", 5, 0) == 0);
}

static inline void full_queue(void)
{
    empty_queue();
    send_to_queue();
}

static inline void take_from_queue(void)
{
    MUST(mq_receive(queue, bytes, 16, NULL) == 5);
}

static inline long by_mq_receive(long ms)
{
    (void)ms;
    return AS(mq_receive)(queue, bytes, 16, NULL);
}

static inline long by_mq_timedreceive(long ms)
{
    return AS(mq_timedreceive)(queue, bytes, 16, NULL, until(CLOCK_REALTIME, ms));
}

static inline long by_mq_send(long ms)
{
    (void)ms;
    return AS(mq_send)(queue, "hello", 5, 0);
}

static inline long by_mq_timedsend(long ms)
{
    return AS(mq_timedsend)(queue, "hello", 5, 0, until(CLOCK_REALTIME, ms));
}

// ---- Asynchronous reads ----

static struct aiocb requests[4];

static inline struct aiocb *request(void)
{
    static int next;
    struct aiocb *request = &requests[next++];
    request->aio_fildes = in;
    request->aio_buf = bytes;
    request->aio_nbytes = 1;
    request->aio_lio_opcode = LIO_READ;
    return request;
}

static inline void begun_read(void)
{
    empty_pipe();
    MUST(aio_read(request()) == 0);
}

static inline void end_read(void)
{
    feed_much();
    while (aio_error(&requests[0]) == EINPROGRESS)
        sleep_ms(1);
}

static inline long by_aio_suspend(long ms)
{
    const struct aiocb *all[] = {&requests[0]};
    return AS(aio_suspend)(all, 1, for_so_long(ms));
}

static inline long by_lio_listio(long ms)
{
    struct aiocb *all[] = {request()};
    return AS(lio_listio)(ms == 0 ? LIO_NOWAIT : LIO_WAIT, all, 1, NULL);
}

// ---- stdio ----

static inline void stream_of_pipe(void)
{
    empty_pipe();
    stream = fdopen(in, "r");
    MUST(stream);
}

static inline void stream_of_socket(void)
{
    empty_stream();
    stream = fdopen(in, "r");
    MUST(stream);
}

static inline void stdin_of_pipe(void)
{
    empty_pipe();
    MUST(dup2(in, STDIN_FILENO) == STDIN_FILENO);
    stream = stdin;
    the_fd = STDIN_FILENO;
}

// A failure leaves its mark on the stream, which is looked at and taken away.
static inline long from_stream(bool is_there)
{
    if (is_there)
        return 1;
    calm();
    bool failed = ferror(stream) != 0;
    clearerr(stream);
    return failed ? -1 : 0;
}

static inline long by_getc(long ms)
{
    (void)ms;
    return from_stream(AS(fgetc)(stream) == 's');
}

static inline long by_getchar(long ms)
{
    (void)ms;
    return from_stream(((int (*)(void))target)() == 's');
}

static inline long by_fgets(long ms)
{
    (void)ms;
    return from_stream(AS(fgets)(bytes, sizeof bytes, stream));
}

static inline long by_fgets_chk(long ms)
{
    extern char *matrix_fgets_chk(char *, size_t, int, FILE *);
    (void)ms;
    return from_stream(AS(matrix_fgets_chk)(bytes, sizeof bytes, 100, stream));
}

static inline long by_fread(long ms)
{
    (void)ms;
    return from_stream(AS(fread)(bytes, 1, 5, stream) == 5);
}

static inline long by_fread_chk(long ms)
{
    extern size_t matrix_fread_chk(void *, size_t, size_t, size_t, FILE *);
    (void)ms;
    return from_stream(AS(matrix_fread_chk)(bytes, sizeof bytes, 1, 5, stream) == 5);
}

static char *line;
static size_t line_room;

static inline long by_getline(long ms)
{
    (void)ms;
    return from_stream(AS(getline)(&line, &line_room, stream) == 5);
}

static inline long by_getdelim(long ms)
{
    (void)ms;
    return from_stream(AS(getdelim)(&line, &line_room, '\n', stream) == 5);
}

// ---- The table ----

#define INPUT ENDS | POINT | NOW_DESCRIPTOR
#define RECEIVES INPUT | NOW_ARGUMENT | LIMIT_RECEIVE
#define SENDS INPUT | NOW_ARGUMENT | LIMIT_SEND
#define LOOKS ENDS | ENDS_ANYWAY | POINT | NOW_ARGUMENT | LIMIT_ARGUMENT
#define LOCKS NUMBER
#define TIMED_LOCKS NUMBER | LIMIT_ARGUMENT
#define STDIO ENDS | POINT | NOW_DESCRIPTOR
#define OPENS ENDS | POINT

// Whom a cancellation ends in a function that answers in static memory leaves its lock locked, on Linux.
enum { LOOKS_UP = POINT | NOT_BEFORE, LOOKS_UP_ONCE = LOOKS_UP | NOT_AGAIN };

static const struct row rows[] = {
    {"read", "of a pipe", empty_pipe, feed, by_read, INPUT},
    {"read", "of a named pipe", empty_fifo, feed, by_read, INPUT},
    {"read", "of a stream", empty_stream, feed, by_read, INPUT | LIMIT_RECEIVE},
    {"read", "of a terminal", idle_terminal, feed, by_read, INPUT},
    {"read", "of an eventfd", zero_eventfd, feed_count, by_read, INPUT},
    {"read", "of a timer", unset_timer, set_timer, by_read, INPUT},
    {"read", "of a signal", no_signal_yet, signal_process, by_read_of_event, INPUT},
    {"read", "of inotify", nothing_happened, feed, by_read_of_event, INPUT},
    {"__read", "", empty_pipe, feed, by_read, INPUT},
    {"__read_chk", "", empty_pipe, feed, by_read_chk, INPUT},
    {"readv", "of a pipe", empty_pipe, feed, by_readv, INPUT},
    {"readv", "of a stream", empty_stream, feed, by_readv, INPUT | LIMIT_RECEIVE},
    {"preadv2", "", empty_pipe, feed, by_preadv2, INPUT | NOW_ARGUMENT},
    {"preadv64v2", "", empty_pipe, feed, by_preadv2, INPUT | NOW_ARGUMENT},
    {"eventfd_read", "", zero_eventfd, feed_count, by_eventfd_read, INPUT},
    {"recv", "of a stream", empty_stream, feed, by_recv, RECEIVES},
    {"recv", "of TCP", empty_tcp, feed, by_recv, RECEIVES},
    {"recv", "of datagrams", empty_datagrams, feed, by_recv, RECEIVES},
    {"recv", "of UDP", empty_udp, feed, by_recv, RECEIVES},
    {"recv", "of all", empty_stream, feed_much, by_recv_of_all, RECEIVES},
    {"recv", "of the rest", begun_stream, feed_all, by_recv_of_all, RECEIVES | ENDS_ANYWAY | NOT_AGAIN},
    {"recv", "peeking", empty_stream, feed_much, by_recv_peeking, RECEIVES},
    {"__recv_chk", "", empty_stream, feed, by_recv_chk, RECEIVES},
    {"recvfrom", "of a stream", empty_stream, feed, by_recvfrom, RECEIVES},
    {"recvfrom", "of UDP", empty_udp, feed, by_recvfrom, RECEIVES},
    {"__recvfrom_chk", "", empty_stream, feed, by_recvfrom_chk, RECEIVES},
    {"recvmsg", "", empty_stream, feed, by_recvmsg, RECEIVES},
    {"recvmsg", "of all", empty_stream, feed_much, by_recvmsg_of_all, RECEIVES},
    {"recvmmsg", "", empty_stream, feed_much, by_recvmmsg, RECEIVES},
    {"recvmmsg", "of another", begun_datagrams, feed, by_recvmmsg, RECEIVES | ENDS_ANYWAY | NOT_AGAIN},
    {"recvmmsg", "for one", empty_udp, feed, by_recvmmsg_for_one, RECEIVES},
    {"write", "to a pipe", full_pipe, drain_pipe, by_write, INPUT},
    {"write", "to a stream", full_stream, drain, by_write, INPUT | LIMIT_SEND},
    {"write", "to an eventfd", full_eventfd, take_count, by_write_of_count, INPUT},
    {"write", "of much to a pipe", roomy_pipe, drain_pipe_to_the_end, by_write_of_much, INPUT | ENDS_ANYWAY | NOT_BEFORE},
    {"write", "of much to a stream", roomy_stream, drain_to_the_end, by_write_of_much, INPUT | ENDS_ANYWAY | LIMIT_SEND | NOT_BEFORE},
    {"__write", "", full_pipe, drain_pipe, by_write, INPUT},
    {"writev", "", full_pipe, drain_pipe, by_writev, INPUT},
    {"writev", "of much", roomy_pipe, drain_pipe_to_the_end, by_writev_of_much, INPUT | ENDS_ANYWAY | NOT_BEFORE},
    {"pwritev2", "", full_pipe, drain_pipe, by_pwritev2, INPUT | NOW_ARGUMENT},
    {"pwritev64v2", "", full_pipe, drain_pipe, by_pwritev2, INPUT | NOW_ARGUMENT},
    {"eventfd_write", "", full_eventfd, take_count, by_eventfd_write, INPUT},
    {"send", "to a stream", full_stream, drain, by_send, SENDS},
    {"send", "of much to TCP", roomy_tcp, drain_to_the_end, by_send_of_much, SENDS | ENDS_ANYWAY | NOT_BEFORE},
    {"send", "of much to a stream", roomy_stream, drain_to_the_end, by_send_of_much, SENDS | ENDS_ANYWAY | NOT_BEFORE},
    {"__send", "", full_stream, drain, by_send, SENDS},
    {"sendto", "", full_stream, drain, by_sendto, SENDS},
    {"sendmsg", "", full_stream, drain, by_sendmsg, SENDS},
    {"sendmsg", "of much", roomy_stream, drain_to_the_end, by_sendmsg_of_much, SENDS | ENDS_ANYWAY | NOT_BEFORE},
    {"sendmmsg", "of much", roomy_stream, drain_to_the_end, by_sendmmsg_of_much, SENDS | ENDS_ANYWAY | NOT_BEFORE},
    {"sendmmsg", "", full_stream, drain, by_sendmmsg, SENDS},
    {"sendfile", "to a stream", file_to_full_stream, drain, by_sendfile, ENDS | NOW_DESCRIPTOR | LIMIT_SEND},
    {"sendfile", "to a pipe", file_to_full_pipe, drain_pipe, by_sendfile, ENDS | NOW_DESCRIPTOR},
    {"sendfile", "of much", file_to_stream, drain_to_the_end, by_sendfile_of_much,
     ENDS | ENDS_ANYWAY | NOW_DESCRIPTOR | LIMIT_SEND | NOT_BEFORE},
    {"sendfile64", "", file_to_full_stream, drain, by_sendfile, ENDS | NOW_DESCRIPTOR | LIMIT_SEND},
    {"splice", "from an empty pipe", empty_pipe_and_another, feed, by_splice_from, INPUT | NOW_ARGUMENT},
    {"splice", "to a full pipe", full_pipe_and_another, drain_pipe, by_splice_to, INPUT | NOW_ARGUMENT},
    {"tee", "from an empty pipe", empty_pipe_and_another, feed, by_tee_from, INPUT | NOW_ARGUMENT},
    {"tee", "to a full pipe", full_pipe_and_another, drain_pipe, by_tee_to, INPUT | NOW_ARGUMENT},
    {"vmsplice", "", full_pipe, drain_pipe, by_vmsplice, ENDS | POINT | NOW_ARGUMENT},

    {"accept", "of TCP", idle_listener, call_up, by_accept, INPUT | LIMIT_RECEIVE},
    {"accept", "of Unix", unix_listener, call_up_unix, by_accept, INPUT | LIMIT_RECEIVE},
    {"accept4", "", idle_listener, call_up, by_accept4, INPUT | LIMIT_RECEIVE},
    {"connect", "", full_backlog, accept_one, by_connect, INPUT | LIMIT_SEND},
    {"__connect", "", full_backlog, accept_one, by_connect, INPUT | LIMIT_SEND},

    {"poll", "", empty_pipe, feed, by_poll, LOOKS},
    {"poll", "for room", full_stream, drain, by_poll_for_room, LOOKS},
    {"poll", "of nothing", nothing, NULL, by_poll_of_nothing, LOOKS},
    {"__poll", "", empty_pipe, feed, by_poll, LOOKS},
    {"__poll_chk", "", empty_pipe, feed, by_poll_chk, LOOKS},
    {"ppoll", "", empty_pipe, feed, by_ppoll, LOOKS},
    {"ppoll", "with a mask", empty_pipe, feed, by_ppoll_with_mask, LOOKS},
    {"__ppoll_chk", "", empty_pipe, feed, by_ppoll_chk, LOOKS},
    {"select", "", empty_pipe, feed, by_select, LOOKS},
    {"select", "of nothing", nothing, NULL, by_select_of_nothing, LOOKS},
    {"__select", "", empty_pipe, feed, by_select, LOOKS},
    {"pselect", "", empty_pipe, feed, by_pselect, LOOKS},
    {"epoll_wait", "", pipe_in_epoll, feed, by_epoll_wait, LOOKS},
    {"epoll_pwait", "", pipe_in_epoll, feed, by_epoll_pwait, LOOKS},
    {"epoll_pwait2", "", pipe_in_epoll, feed, by_epoll_pwait2, LOOKS},

    {"sleep", "", nothing, NULL, by_sleep, LOOKS},
    {"usleep", "", nothing, NULL, by_usleep, LOOKS},
    {"nanosleep", "", nothing, NULL, by_nanosleep, LOOKS},
    {"__nanosleep", "", nothing, NULL, by_nanosleep, LOOKS},
    {"clock_nanosleep", "", nothing, NULL, by_clock_nanosleep, LOOKS | NUMBER},
    {"clock_nanosleep", "until a time", nothing, NULL, by_clock_nanosleep_until, LOOKS | NUMBER},
    {"clock_nanosleep", "of another clock", nothing, NULL, by_clock_nanosleep_of_boottime, LOOKS | NUMBER},
    {"thrd_sleep", "", nothing, NULL, by_thrd_sleep, LOOKS},

    {"pthread_mutex_lock", "", held_mutex, unlock_mutex, by_mutex_lock, LOCKS | NOW_ARGUMENT, "pthread_mutex_trylock"},
    {"pthread_mutex_lock", "recursive", held_recursive_mutex, unlock_mutex, by_mutex_lock, LOCKS | NOW_ARGUMENT, "pthread_mutex_trylock"},
    {"pthread_mutex_lock", "shared", held_shared_mutex, unlock_mutex, by_mutex_lock, LOCKS | NOW_ARGUMENT, "pthread_mutex_trylock"},
    {"pthread_mutex_lock", "robust", held_robust_mutex, unlock_mutex, by_mutex_lock, LOCKS | NOW_ARGUMENT, "pthread_mutex_trylock"},
    {"pthread_mutex_lock", "inheriting", held_inheriting_mutex, unlock_mutex, by_mutex_lock, LOCKS | NOW_ARGUMENT, "pthread_mutex_trylock"},
    {"__pthread_mutex_lock", "", held_mutex, unlock_mutex, by_mutex_lock, LOCKS | NOW_ARGUMENT, "__pthread_mutex_trylock"},
    {"pthread_mutex_timedlock", "", held_mutex, unlock_mutex, by_mutex_timedlock, TIMED_LOCKS},
    {"pthread_mutex_timedlock", "shared", held_shared_mutex, unlock_mutex, by_mutex_timedlock, TIMED_LOCKS},
    {"pthread_mutex_timedlock", "robust", held_robust_mutex, unlock_mutex, by_mutex_timedlock, TIMED_LOCKS},
    {"pthread_mutex_timedlock", "inheriting", held_inheriting_mutex, unlock_mutex, by_mutex_timedlock, TIMED_LOCKS},
    {"pthread_mutex_clocklock", "", held_mutex, unlock_mutex, by_mutex_clocklock, TIMED_LOCKS},
    {"pthread_spin_lock", "", held_spin, unlock_spin, by_spin_lock, LOCKS},
    {"mtx_lock", "", held_mtx, unlock_mtx, by_mtx_lock, NOW_ARGUMENT, "mtx_trylock"},
    {"mtx_timedlock", "", held_mtx, unlock_mtx, by_mtx_timedlock, LIMIT_ARGUMENT},
    {"pthread_rwlock_rdlock", "", written_rwlock, unlock_rwlock, by_rwlock, LOCKS | NOW_ARGUMENT, "pthread_rwlock_tryrdlock"},
    {"__pthread_rwlock_rdlock", "", written_rwlock, unlock_rwlock, by_rwlock, LOCKS | NOW_ARGUMENT, "__pthread_rwlock_tryrdlock"},
    {"pthread_rwlock_wrlock", "under a writer", written_rwlock, unlock_rwlock, by_rwlock, LOCKS | NOW_ARGUMENT, "pthread_rwlock_trywrlock"},
    {"pthread_rwlock_wrlock", "under a reader", read_rwlock, unlock_rwlock, by_rwlock, LOCKS | NOW_ARGUMENT, "pthread_rwlock_trywrlock"},
    {"__pthread_rwlock_wrlock", "", read_rwlock, unlock_rwlock, by_rwlock, LOCKS | NOW_ARGUMENT, "__pthread_rwlock_trywrlock"},
    {"pthread_rwlock_timedrdlock", "", written_rwlock, unlock_rwlock, by_timed_rwlock, TIMED_LOCKS},
    {"pthread_rwlock_timedwrlock", "", read_rwlock, unlock_rwlock, by_timed_rwlock, TIMED_LOCKS},
    {"pthread_rwlock_clockrdlock", "", written_rwlock, unlock_rwlock, by_clock_rwlock, TIMED_LOCKS},
    {"pthread_rwlock_clockwrlock", "", read_rwlock, unlock_rwlock, by_clock_rwlock, TIMED_LOCKS},

    {"pthread_cond_wait@@GLIBC_2.3.2", "", nothing, signal_cond, by_cond_wait, LOCKS | POINT},
    {"pthread_cond_timedwait@@GLIBC_2.3.2", "", nothing, signal_cond, by_cond_timedwait, TIMED_LOCKS | POINT},
    {"pthread_cond_clockwait", "", nothing, signal_cond, by_cond_clockwait, TIMED_LOCKS | POINT},
    {"pthread_cond_wait@GLIBC_2.2.5", "", nothing, signal_old_cond, by_old_cond_wait, LOCKS | POINT},
    {"pthread_cond_timedwait@GLIBC_2.2.5", "", nothing, signal_old_cond, by_old_cond_timedwait, TIMED_LOCKS | POINT},
    {"cnd_wait", "", new_cnd, signal_cnd, by_cnd_wait, POINT},
    {"cnd_timedwait", "", new_cnd, signal_cnd, by_cnd_wait, LIMIT_ARGUMENT | POINT},
    {"sem_wait", "", zero_sem, post, by_sem_wait, ENDS | POINT | NOW_ARGUMENT, "sem_trywait"},
    {"sem_wait", "shared", zero_shared_sem, post, by_sem_wait, ENDS | POINT | NOW_ARGUMENT, "sem_trywait"},
    {"sem_timedwait", "", zero_sem, post, by_sem_timedwait, ENDS | ENDS_ANYWAY | POINT | LIMIT_ARGUMENT},
    {"sem_clockwait", "", zero_sem, post, by_sem_clockwait, ENDS | ENDS_ANYWAY | POINT | LIMIT_ARGUMENT},
    {"pthread_barrier_wait", "", barrier_of_two, meet, by_barrier_wait, LOCKS | NOT_BEFORE},
    {"pthread_once", "", begun_once, end_once, by_once, LOCKS | NOT_AGAIN},
    {"__pthread_once", "", begun_once, end_once, by_once, LOCKS | NOT_AGAIN},
    {"call_once", "", begun_once, end_once, by_call_once, NOT_AGAIN},
    {"pthread_join", "", working_thread, end_thread, by_join, LOCKS | POINT | NOW_ARGUMENT, "pthread_tryjoin_np"},
    {"pthread_timedjoin_np", "", working_thread, end_thread, by_timedjoin, TIMED_LOCKS | POINT},
    {"pthread_clockjoin_np", "", working_thread, end_thread, by_clockjoin, TIMED_LOCKS | POINT},
    {"thrd_join", "", working_thrd, end_thread, by_thrd_join, POINT},
    {"syscall", "futex", nothing, wake_word, by_futex_wait, ENDS | LIMIT_ARGUMENT | NOW_ARGUMENT},
    {"syscall", "futex with a time-out", nothing, wake_word, by_futex_wait_long, ENDS | ENDS_ANYWAY | LIMIT_ARGUMENT},
    {"syscall", "futex until a time", nothing, wake_word, by_futex_wait_bitset, ENDS | ENDS_ANYWAY | LIMIT_ARGUMENT},

    {"pause", "", handled_signal, signal_waiter, by_pause, ENDS | ENDS_ANYWAY | POINT | NOT_BEFORE},
    {"sigsuspend", "", handled_signal, signal_process, by_sigsuspend, ENDS | ENDS_ANYWAY | POINT},
    {"sigpause", "", handled_signal, signal_process, by_sigpause, ENDS | ENDS_ANYWAY | POINT},
    {"__xpg_sigpause", "", handled_signal, signal_process, by_xpg_sigpause, ENDS | ENDS_ANYWAY | POINT},
    {"sigwait", "", handled_signal, signal_process, by_sigwait, NUMBER | POINT},
    {"sigwaitinfo", "", handled_signal, signal_process, by_sigwaitinfo, ENDS | ENDS_ANYWAY | POINT},
    {"sigtimedwait", "", handled_signal, signal_process, by_sigtimedwait, LOOKS},

    {"wait", "", living_child, end_child, by_wait, ENDS | POINT},
    {"__wait", "", living_child, end_child, by_wait, ENDS | POINT},
    {"waitpid", "", living_child, end_child, by_waitpid, ENDS | POINT | NOW_ARGUMENT},
    {"__waitpid", "", living_child, end_child, by_waitpid, ENDS | POINT | NOW_ARGUMENT},
    {"waitid", "", living_child, end_child, by_waitid, ENDS | POINT | NOW_ARGUMENT},
    {"wait3", "", living_child, end_child, by_wait3, ENDS | POINT | NOW_ARGUMENT},
    {"wait4", "", living_child, end_child, by_wait4, ENDS | POINT | NOW_ARGUMENT},
    {"system", "", empty_fifo, feed_much, by_system, POINT | NOT_AGAIN},
    {"posix_spawn", "", fifo_at_path, open_fifo, by_spawn, LOCKS},
    {"posix_spawnp", "", fifo_at_path, open_fifo, by_spawn, LOCKS},
    {"pclose", "", stream_of_shell, feed_much, by_pclose, NOT_AGAIN},
    {"open", "", fifo_at_path, open_fifo, by_open, OPENS | NOW_ARGUMENT},
    {"open64", "", fifo_at_path, open_fifo, by_open, OPENS | NOW_ARGUMENT},
    {"__open", "", fifo_at_path, open_fifo, by_open, OPENS | NOW_ARGUMENT},
    {"__open64", "", fifo_at_path, open_fifo, by_open, OPENS | NOW_ARGUMENT},
    {"__open_2", "", fifo_at_path, open_fifo, by_open_2, OPENS | NOW_ARGUMENT},
    {"__open64_2", "", fifo_at_path, open_fifo, by_open_2, OPENS | NOW_ARGUMENT},
    {"openat", "", fifo_at_path, open_fifo, by_openat, OPENS | NOW_ARGUMENT},
    {"openat64", "", fifo_at_path, open_fifo, by_openat, OPENS | NOW_ARGUMENT},
    {"__openat_2", "", fifo_at_path, open_fifo, by_openat_2, OPENS | NOW_ARGUMENT},
    {"__openat64_2", "", fifo_at_path, open_fifo, by_openat_2, OPENS | NOW_ARGUMENT},
    {"creat", "", fifo_at_path, open_fifo, by_creat, OPENS},
    {"creat64", "", fifo_at_path, open_fifo, by_creat, OPENS},
    {"fopen", "", fifo_at_path, open_fifo, by_fopen, OPENS},
    {"fopen64", "", fifo_at_path, open_fifo, by_fopen, OPENS},
    {"freopen", "", fifo_at_path, open_fifo, by_freopen, OPENS | NOT_AGAIN},
    {"freopen64", "", fifo_at_path, open_fifo, by_freopen, OPENS | NOT_AGAIN},

    {"flock", "", locked_file, unlock_file, by_flock, ENDS | NOW_ARGUMENT},
    {"fcntl", "F_OFD_SETLKW", locked_description, unlock_description, by_description_lock, ENDS | POINT | NOW_ARGUMENT},
    {"fcntl", "F_SETLKW", locked_by_child, end_child, by_process_lock, ENDS | POINT | NOW_ARGUMENT},
    {"fcntl64", "", locked_description, unlock_description, by_description_lock, ENDS | POINT | NOW_ARGUMENT},
    {"__fcntl", "", locked_description, unlock_description, by_description_lock, ENDS | POINT | NOW_ARGUMENT},
    {"lockf", "", locked_by_child, end_child, by_lockf, ENDS | POINT | NOW_ARGUMENT},
    {"lockf64", "", locked_by_child, end_child, by_lockf, ENDS | POINT | NOW_ARGUMENT},

    {"msgrcv", "", empty_messages, send_message, by_msgrcv, ENDS | ENDS_ANYWAY | POINT | NOW_ARGUMENT},
    {"msgsnd", "", full_messages, take_message, by_msgsnd, ENDS | ENDS_ANYWAY | POINT | NOW_ARGUMENT},
    {"semop", "", zero_semaphore, up, by_semop, ENDS | ENDS_ANYWAY | NOW_ARGUMENT},
    {"semtimedop", "", zero_semaphore, up, by_semtimedop, ENDS | ENDS_ANYWAY | NOW_ARGUMENT | LIMIT_ARGUMENT},
    {"mq_receive", "", empty_queue, send_to_queue, by_mq_receive, INPUT},
    {"mq_timedreceive", "", empty_queue, send_to_queue, by_mq_timedreceive, INPUT | LIMIT_ARGUMENT},
    {"mq_send", "", full_queue, take_from_queue, by_mq_send, INPUT},
    {"mq_timedsend", "", full_queue, take_from_queue, by_mq_timedsend, INPUT | LIMIT_ARGUMENT},
    {"aio_suspend", "", begun_read, end_read, by_aio_suspend, ENDS | POINT | NOW_ARGUMENT | LIMIT_ARGUMENT},
    {"aio_suspend64", "", begun_read, end_read, by_aio_suspend, ENDS | POINT | NOW_ARGUMENT | LIMIT_ARGUMENT},
    {"lio_listio", "", empty_pipe, feed_much, by_lio_listio, ENDS | NOW_ARGUMENT | NOT_AGAIN},
    {"lio_listio64", "", empty_pipe, feed_much, by_lio_listio, ENDS | NOW_ARGUMENT | NOT_AGAIN},

    {"fgetc", "of a pipe", stream_of_pipe, feed_much, by_getc, STDIO},
    {"fgetc", "of a socket", stream_of_socket, feed_much, by_getc, STDIO | LIMIT_RECEIVE},
    {"getc", "", stream_of_pipe, feed_much, by_getc, STDIO},
    {"_IO_getc", "", stream_of_pipe, feed_much, by_getc, STDIO},
    {"getchar", "", stdin_of_pipe, feed_much, by_getchar, STDIO},
    {"fgetc_unlocked", "", stream_of_pipe, feed_much, by_getc, STDIO},
    {"getc_unlocked", "", stream_of_pipe, feed_much, by_getc, STDIO},
    {"getchar_unlocked", "", stdin_of_pipe, feed_much, by_getchar, STDIO},
    {"__uflow", "", stream_of_pipe, feed_much, by_getc, STDIO},
    {"__underflow", "", stream_of_pipe, feed_much, by_getc, STDIO},
    {"fgets", "of a pipe", stream_of_pipe, feed_much, by_fgets, STDIO},
    {"fgets", "of a socket", stream_of_socket, feed_much, by_fgets, STDIO | LIMIT_RECEIVE},
    {"fgets_unlocked", "", stream_of_pipe, feed_much, by_fgets, STDIO},
    {"__fgets_chk", "", stream_of_pipe, feed_much, by_fgets_chk, STDIO},
    {"__fgets_unlocked_chk", "", stream_of_pipe, feed_much, by_fgets_chk, STDIO},
    {"fread", "", stream_of_pipe, feed_much, by_fread, STDIO},
    {"fread_unlocked", "", stream_of_pipe, feed_much, by_fread, STDIO},
    {"__fread_chk", "", stream_of_pipe, feed_much, by_fread_chk, STDIO},
    {"__fread_unlocked_chk", "", stream_of_pipe, feed_much, by_fread_chk, STDIO},
    {"getline", "", stream_of_pipe, feed_much, by_getline, STDIO},
    {"getdelim", "", stream_of_pipe, feed_much, by_getdelim, STDIO},
    {"__getdelim", "", stream_of_pipe, feed_much, by_getdelim, STDIO},

    {"getaddrinfo", "", silent_server, serve, by_getaddrinfo, LOOKS_UP},
    {"getnameinfo", "", silent_server, serve, by_getnameinfo, LOOKS_UP},
    {"gethostbyname", "", silent_server, serve, by_gethostbyname, LOOKS_UP_ONCE},
    {"gethostbyname2", "", silent_server, serve, by_gethostbyname2, LOOKS_UP_ONCE},
    {"gethostbyname_r", "", silent_server, serve, by_gethostbyname_r, LOOKS_UP},
    {"gethostbyname2_r", "", silent_server, serve, by_gethostbyname2_r, LOOKS_UP},
    {"gethostbyaddr", "", silent_server, serve, by_gethostbyaddr, LOOKS_UP_ONCE},
    {"gethostbyaddr_r", "", silent_server, serve, by_gethostbyaddr_r, LOOKS_UP},
    {"res_query", "", silent_server, serve, by_res_query, LOOKS_UP},
    {"res_search", "", silent_server, serve, by_res_query, LOOKS_UP},
    {"res_querydomain", "", silent_server, serve, by_res_querydomain, LOOKS_UP},
    {"res_send", "", silent_server, serve, by_res_send, LOOKS_UP},
    {"res_nquery", "", silent_server, serve, by_res_nquery, LOOKS_UP},
    {"res_nsearch", "", silent_server, serve, by_res_nquery, LOOKS_UP},
    {"res_nquerydomain", "", silent_server, serve, by_res_nquerydomain, LOOKS_UP},
    {"res_nsend", "", silent_server, serve, by_res_nsend, LOOKS_UP},
    {"__res_query", "", silent_server, serve, by_res_query, LOOKS_UP},
    {"__res_search", "", silent_server, serve, by_res_query, LOOKS_UP},
    {"__res_querydomain", "", silent_server, serve, by_res_querydomain, LOOKS_UP},
    {"__res_send", "", silent_server, serve, by_res_send, LOOKS_UP},
    {"__res_nquery", "", silent_server, serve, by_res_nquery, LOOKS_UP},
    {"__res_nsearch", "", silent_server, serve, by_res_nquery, LOOKS_UP},
    {"__res_nquerydomain", "", silent_server, serve, by_res_nquerydomain, LOOKS_UP},
    {"__res_nsend", "", silent_server, serve, by_res_nsend, LOOKS_UP},
};

enum { ROWS = sizeof rows / sizeof *rows };

#endif
