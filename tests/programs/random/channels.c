// Channels: what carries a message from one thread to another. Descriptors here; memory and signals in memory.c, signals.c.
//
// The sender opens, sends and finishes, the receiver receives and ends; `ready` orders opening before the first receipt. What a
// sender gives up is not waited for by the receiver's side, so both may be in different calls on the same object at the end:
// only what POSIX lets be destroyed then is destroyed.

#include "carriers.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

static void close_in(struct channel *ch, struct chance *c) {
    if (ch->carrier->stream && below(c, 3) == 0) shutdown(ch->in, SHUT_WR); // of a pipe: ENOTSOCK, which does no harm
    SYS(close(ch->in));
}

static void end_of_file(struct channel *ch, struct chance *c) {
    CHECK(at_end(ch->out, c));
    SYS(close(ch->out));
}

static void nothing(struct channel *ch, struct chance *c) { (void)ch, (void)c; }

static void close_both(struct channel *ch, struct chance *c) {
    (void)c;
    SYS(close(ch->in));
    SYS(close(ch->out));
}

// ---- pipes ----------------------------------------------------------------------------------------------------

static void open_pipe(struct channel *ch, struct chance *c) {
    int ends[2];
    SYS(pipe2(ends, below(c, 3) ? 0 : O_NONBLOCK));
    ch->out = ends[0], ch->in = ends[1];
    if (below(c, 4) == 0) SYS(fcntl(ch->in, F_SETPIPE_SZ, 4096));
}

static void send_bytes(struct channel *ch, uint64_t value, struct chance *c) { write_all(ch->in, &value, sizeof value, ch->from != NULL, c); }

static uint64_t receive_bytes(struct channel *ch, struct chance *c) {
    uint64_t value;
    read_all(ch->out, &value, sizeof value, c);
    return value;
}

// ---- sockets --------------------------------------------------------------------------------------------------

static void open_pair(struct channel *ch, int type, struct chance *c) {
    int ends[2];
    SYS(socketpair(AF_UNIX, type | (below(c, 3) ? 0 : SOCK_NONBLOCK), 0, ends));
    ch->out = ends[0], ch->in = ends[1];
}

static void open_stream(struct channel *ch, struct chance *c) { open_pair(ch, SOCK_STREAM, c); }
static void open_packets(struct channel *ch, struct chance *c) { open_pair(ch, SOCK_SEQPACKET, c); }
static void open_datagrams(struct channel *ch, struct chance *c) { open_pair(ch, SOCK_DGRAM, c); }

static void send_packet(struct channel *ch, uint64_t value, struct chance *c) {
    struct iovec piece = {&value, sizeof value};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    struct mmsghdr several = {.msg_hdr = message};
    for (;;) {
        long sent;
        switch (below(c, 4)) {
        case 0: sent = send(ch->in, &value, sizeof value, MSG_NOSIGNAL); break;
        case 1: sent = sendmsg(ch->in, &message, MSG_NOSIGNAL); break;
        case 2: sent = sendmmsg(ch->in, &several, 1, 0) == 1 ? (long)several.msg_len : -1; break;
        default: sent = write(ch->in, &value, sizeof value); break;
        }
        if (sent == sizeof value) return;
        if (sent >= 0 || (errno != EINTR && errno != EAGAIN)) FAIL("sending a packet", errno);
        if (errno == EAGAIN) wait_ready(ch->in, POLLOUT, c);
    }
}

static uint64_t receive_packet(struct channel *ch, struct chance *c) {
    uint64_t value = 0;
    struct iovec piece = {&value, sizeof value};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    struct mmsghdr several = {.msg_hdr = message};
    for (;;) {
        long got;
        if (below(c, 4) == 0) wait_ready(ch->out, POLLIN, c);
        switch (below(c, 4)) {
        case 0: got = recv(ch->out, &value, sizeof value, 0); break;
        case 1: got = recvmsg(ch->out, &message, 0); break;
        case 2: got = recvmmsg(ch->out, &several, 1, MSG_WAITFORONE, NULL) == 1 ? (long)several.msg_len : -1; break;
        default: got = read(ch->out, &value, sizeof value); break;
        }
        if (got == sizeof value) return value;
        if (got >= 0 || (errno != EINTR && errno != EAGAIN)) FAIL("receiving a packet", errno);
        if (errno == EAGAIN) wait_ready(ch->out, POLLIN, c);
    }
}

union address { struct sockaddr any; struct sockaddr_in in; struct sockaddr_un un; };

static socklen_t bind_anywhere(int fd, int family, union address *a) {
    socklen_t length = sizeof *a;
    *a = (union address){.in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    if (family == AF_UNIX) *a = (union address){.un = {.sun_family = AF_UNIX}};
    SYS(bind(fd, &a->any, family == AF_UNIX ? offsetof(struct sockaddr_un, sun_path) : sizeof a->in)); // of AF_UNIX: a name of the kernel's
    SYS(getsockname(fd, &a->any, &length));
    return length;
}

static void connect_to(int fd, const union address *a, socklen_t length) {
    if (connect(fd, &a->any, length) == 0) return;
    if (errno != EINTR) FAIL("connect", errno);
    struct chance c = {0};
    wait_ready(fd, POLLOUT, &c); // POSIX: it goes on by itself
}

static void open_connection(struct channel *ch, int family) {
    union address address;
    ch->listener = (int)SYS(socket(family, SOCK_STREAM, 0));
    socklen_t length = bind_anywhere(ch->listener, family, &address);
    SYS(listen(ch->listener, 4));
    ch->in = (int)SYS(socket(family, SOCK_STREAM, 0));
    connect_to(ch->in, &address, length);
}

static void open_tcp(struct channel *ch, struct chance *c) {
    int one = 1;
    open_connection(ch, AF_INET);
    if (below(c, 2)) SYS(setsockopt(ch->in, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
}

static void open_unix(struct channel *ch, struct chance *c) {
    (void)c;
    open_connection(ch, AF_UNIX);
}

// The receiver's side of a connection is made by the receiver, when it first needs it.
void arrive(struct channel *ch, struct chance *c) {
    if (ch->listener < 0) return;
    if (below(c, 2)) wait_ready(ch->listener, POLLIN, c);
    ch->out = (int)AGAIN(below(c, 2) ? accept(ch->listener, NULL, NULL) : accept4(ch->listener, NULL, NULL, below(c, 2) ? SOCK_NONBLOCK : 0));
    SYS(close(ch->listener));
    ch->listener = -1;
}

static uint64_t receive_connected(struct channel *ch, struct chance *c) {
    arrive(ch, c);
    return receive_bytes(ch, c);
}

static void end_connected(struct channel *ch, struct chance *c) {
    arrive(ch, c);
    end_of_file(ch, c);
}

static void open_udp(struct channel *ch, struct chance *c) {
    union address address;
    ch->out = (int)SYS(socket(AF_INET, SOCK_DGRAM | (below(c, 3) ? 0 : SOCK_NONBLOCK), 0));
    socklen_t length = bind_anywhere(ch->out, AF_INET, &address);
    ch->in = (int)SYS(socket(AF_INET, SOCK_DGRAM, 0));
    connect_to(ch->in, &address, length);
}

// ---- eventfd: counts the messages, which lie in memory --------------------------------------------------------

static void open_events(struct channel *ch, struct chance *c) {
    ch->in = (int)SYS(eventfd(0, EFD_SEMAPHORE | (below(c, 2) ? 0 : EFD_NONBLOCK)));
    ch->out = (int)SYS(dup(ch->in));
}

static void send_event(struct channel *ch, uint64_t value, struct chance *c) {
    uint64_t one = 1;
    ch->items[atomic_fetch_add(&ch->put, 1)] = value;
    write_all(ch->in, &one, sizeof one, false, c);
}

static uint64_t receive_event(struct channel *ch, struct chance *c) {
    uint64_t one;
    read_all(ch->out, &one, sizeof one, c);
    CHECK(one == 1);
    return ch->items[atomic_fetch_add(&ch->got, 1)];
}

// ---- streams of libc ------------------------------------------------------------------------------------------

static void open_stdio(struct channel *ch, struct chance *c) {
    int ends[2];
    SYS(pipe(ends));
    CHECK((ch->reader = fdopen(ends[0], "r")) != NULL && (ch->writer = fdopen(ends[1], "w")) != NULL);
    if (below(c, 3) == 0) CHECK(setvbuf(ch->writer, NULL, _IOLBF, 0) == 0);
    ch->out = ends[0], ch->in = ends[1];
}

static void send_line(struct channel *ch, uint64_t value, struct chance *c) {
    CHECK(fprintf(ch->writer, "%016llx\n", (unsigned long long)value) == 17);
    if (below(c, 4) == 0) sched_yield();
    while (fflush(ch->writer) != 0) CHECK(errno == EINTR);
}

static uint64_t receive_line(struct channel *ch, struct chance *c) {
    char line[64];
    for (;;) {
        errno = 0;
        if (below(c, 2)) {
            if (fgets(line, sizeof line, ch->reader) != NULL) break;
        } else if (fread(line, 1, 17, ch->reader) == 17) {
            break;
        }
        if (errno != EINTR) FAIL("reading a line", errno);
        clearerr(ch->reader);
    }
    return strtoull(line, NULL, 16);
}

static void finish_stdio(struct channel *ch, struct chance *c) {
    (void)c;
    SYS(fclose(ch->writer));
}

static void end_stdio(struct channel *ch, struct chance *c) {
    (void)c;
    int seen;
    while ((seen = fgetc(ch->reader)) == EOF && ferror(ch->reader) && errno == EINTR) clearerr(ch->reader);
    CHECK(seen == EOF && feof(ch->reader));
    SYS(fclose(ch->reader));
}

// ---- more than fits -------------------------------------------------------------------------------------------

static size_t much(struct chance *c) { return (size_t)between(c, 1000, below(c, 6) ? 30000 : 300000); }

static unsigned char *pattern(uint64_t from, size_t length) {
    unsigned char *bytes = malloc(length);
    for (size_t i = 0; i < length; i++) bytes[i] = (unsigned char)mixed(from + i / 64);
    return bytes;
}

uint64_t send_much(struct thread *me, uint64_t object, struct chance *c) {
    struct channel *ch = &me->program->channel[object];
    uint64_t head[2] = {me->hash, much(c)};
    write_all(ch->in, head, sizeof head, true, c);
    unsigned char *bytes = pattern(head[0], head[1]);
    write_all(ch->in, bytes, head[1], true, c);
    free(bytes);
    return head[1];
}

uint64_t receive_much(struct thread *me, uint64_t object, struct chance *c) {
    struct channel *ch = &me->program->channel[object];
    uint64_t head[2];
    gate_wait(&ch->ready, c);
    arrive(ch, c);
    read_all(ch->out, head, sizeof head, c);
    unsigned char *bytes = malloc(head[1]), *expected = pattern(head[0], head[1]);
    read_all(ch->out, bytes, head[1], c);
    CHECK(memcmp(bytes, expected, head[1]) == 0);
    free(bytes);
    free(expected);
    return fold(head[0], head[1]);
}

// Of several channels, in whatever order they come.
uint64_t gather(struct thread *me, uint64_t object, struct chance *c) {
    int fds[CHANNELS_MOST], index[CHANNELS_MOST], count = 0;
    uint64_t values[CHANNELS_MOST], hash = 0;
    for (int i = 0; i < CHANNELS_MOST; i++) {
        if (!(object >> i & 1)) continue;
        struct channel *ch = &me->program->channel[i];
        gate_wait(&ch->ready, c);
        arrive(ch, c);
        index[count] = i, fds[count++] = ch->out;
    }
    for (int left = count; left > 0;) {
        bool ready[CHANNELS_MOST] = {false};
        wait_any(fds, count, ready, c);
        for (int i = 0; i < count; i++) {
            if (!ready[i]) continue;
            struct channel *ch = &me->program->channel[index[i]];
            values[i] = ch->carrier->receive(ch, c);
            fds[i] = -1;
            left--;
        }
    }
    for (int i = 0; i < count; i++) hash = fold(hash, values[i]);
    return hash;
}

// ---- all of them ----------------------------------------------------------------------------------------------

#define MOST .most = SENDS_MOST, .in_child = true

const struct carrier carriers[] = {
    {.name = "pipe", MOST, .stream = true, .waits = true, .crowd = true, .open = open_pipe, .send = send_bytes, .receive = receive_bytes, .finish = close_in, .end = end_of_file},
    {.name = "stream", MOST, .stream = true, .waits = true, .open = open_stream, .send = send_bytes, .receive = receive_bytes, .finish = close_in, .end = end_of_file},
    {.name = "tcp", MOST, .stream = true, .waits = true, .open = open_tcp, .send = send_bytes, .receive = receive_connected, .finish = close_in, .end = end_connected},
    {.name = "unix", MOST, .stream = true, .waits = true, .open = open_unix, .send = send_bytes, .receive = receive_connected, .finish = close_in, .end = end_connected},
    {.name = "packets", MOST, .waits = true, .crowd = true, .open = open_packets, .send = send_packet, .receive = receive_packet, .finish = close_in, .end = end_of_file},
    {.name = "datagrams", .most = 8, .in_child = true, .waits = true, .crowd = true, .open = open_datagrams, .send = send_packet, .receive = receive_packet, .finish = nothing, .end = close_both},
    {.name = "udp", MOST, .waits = true, .crowd = true, .open = open_udp, .send = send_packet, .receive = receive_packet, .finish = nothing, .end = close_both},
    {.name = "events", MOST, .waits = true, .open = open_events, .send = send_event, .receive = receive_event, .finish = nothing, .end = close_both},
    {.name = "stdio", MOST, .crowd = true, .open = open_stdio, .send = send_line, .receive = receive_line, .finish = finish_stdio, .end = end_stdio},
    {.name = "monitor", .most = 3, .in_child = true, .crowd = true, .open = open_monitor, .send = send_monitor, .receive = receive_monitor, .finish = finish_monitor, .end = end_monitor},
    {.name = "c11 monitor", .most = 3, .in_child = true, .crowd = true, .open = open_c11, .send = send_c11, .receive = receive_c11, .finish = finish_c11, .end = end_c11},
    {.name = "semaphores", .most = ROOM, .in_child = true, .open = open_semaphores, .send = send_semaphores, .receive = receive_semaphores, .finish = nothing, .end = nothing},
    {.name = "futex", MOST, .open = open_nothing, .send = send_futex, .receive = receive_futex, .finish = nothing, .end = nothing},
    {.name = "signal awaited", MOST, .signal = true, .open = open_nothing, .send = send_signal, .receive = await_signal, .finish = nothing, .end = nothing},
    {.name = "signal to the process", MOST, .signal = true, .open = open_nothing, .send = send_process_signal, .receive = await_signal, .finish = nothing, .end = nothing},
    {.name = "signal handled", MOST, .signal = true, .open = open_handled, .send = send_signal, .receive = receive_handled, .finish = nothing, .end = end_handled},
};

int carrier_count(void) { return (int)(sizeof carriers / sizeof *carriers); }
