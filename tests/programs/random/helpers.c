// Steps with threads of their own, joined before the step ends: a crowd on one channel, cancelled ones, ones that a shutdown ends.

#include "program.h"
#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>

// ---- a crowd: several senders and several receivers -----------------------------------------------------------

struct crowd { struct channel channel; atomic_ullong heard; int each; };
struct member { struct crowd *crowd; struct chance chance; uint64_t value; pthread_t id; };

static void *send_each(void *argument) {
    struct member *m = argument;
    for (int i = 0; i < m->crowd->each; i++) {
        m->crowd->channel.carrier->send(&m->crowd->channel, fold(m->value, (uint64_t)i), &m->chance);
        pause_maybe(&m->chance);
    }
    return m;
}

static void *receive_each(void *argument) {
    struct member *m = argument;
    for (int i = 0; i < m->crowd->each; i++) {
        atomic_fetch_add(&m->crowd->heard, m->crowd->channel.carrier->receive(&m->crowd->channel, &m->chance));
        pause_maybe(&m->chance);
    }
    return m;
}

static void join_member(struct member *m) {
    void *back;
    CODE(pthread_join(m->id, &back));
    CHECK(back == m);
}

uint64_t with_crowd(struct thread *me, uint64_t object, struct chance *c) {
    (void)object;
    struct crowd *crowd = calloc(1, sizeof *crowd); // kept: the last to leave its monitor may still be in it
    struct member members[2 * HELPERS_MOST];
    struct channel *ch = &crowd->channel;
    int pairs = between(c, 1, HELPERS_MOST);
    uint64_t said = 0;
    do ch->carrier = &carriers[below(c, carrier_count())]; while (!ch->carrier->crowd);
    crowd->each = between(c, 1, 10);
    ch->in = ch->out = ch->listener = -1;
    ch->carrier->open(ch, c);
    for (int i = 0; i < 2 * pairs; i++) {
        members[i] = (struct member){crowd, {next(c)}, fold(me->hash, (uint64_t)i), 0};
        for (int j = 0; i < pairs && j < crowd->each; j++) said += fold(members[i].value, (uint64_t)j);
        CODE(pthread_create(&members[i].id, NULL, i < pairs ? send_each : receive_each, &members[i]));
    }
    for (int i = 0; i < 2 * pairs; i++) join_member(&members[i]);
    ch->carrier->finish(ch, c);
    ch->carrier->end(ch, c);
    CHECK(atomic_load(&crowd->heard) == said);
    return said;
}

// ---- short lives ----------------------------------------------------------------------------------------------

static void *be_short(void *argument) {
    struct member *m = argument;
    CHECK(steps_done == 0 && steps_mark == STEPS_MARK);
    steps_done = 1, steps_mark++;
    pause_maybe(&m->chance);
    m->value = fold(m->value, 1);
    if (below(&m->chance, 2)) pthread_exit(m);
    return m;
}

uint64_t with_helpers(struct thread *me, uint64_t object, struct chance *c) {
    (void)object;
    struct member members[HELPERS_MOST];
    int count = between(c, 1, HELPERS_MOST);
    uint64_t hash = 0;
    for (int i = 0; i < count; i++) {
        members[i] = (struct member){NULL, {next(c)}, fold(me->hash, (uint64_t)i), 0};
        CODE(pthread_create(&members[i].id, NULL, be_short, &members[i]));
        if (below(c, 3)) continue;
        join_member(&members[i]);
        members[i].id = 0;
    }
    for (int i = 0; i < count; i++) {
        if (members[i].id) join_member(&members[i]);
        hash = fold(hash, members[i].value);
    }
    return hash;
}

struct bound { struct thread *maker; struct chance chance; uint64_t value; };

static void *be_bound(void *argument) {
    struct bound *b = argument;
    cpu_set_t all, one;
    CODE(pthread_getaffinity_np(pthread_self(), sizeof all, &all));
    int first = 0;
    while (!CPU_ISSET(first, &all)) first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    CODE(pthread_setaffinity_np(pthread_self(), sizeof one, &one));
    pause_maybe(&b->chance);
    b->value = with_helpers(b->maker, 0, &b->chance);
    b->value = fold(b->value, with_locks(b->maker, 0, &b->chance));
    CODE(pthread_setaffinity_np(pthread_self(), sizeof all, &all));
    return b;
}

// A thread that goes to one processor and back has a kernel thread of its own under the library, and so have those that it makes.
// Not the plan's own thread: the library's README says that neither a cancellation nor a signal may reach those while they wait.
uint64_t with_binding(struct thread *me, uint64_t object, struct chance *c) {
    (void)object;
    struct bound b = {me, {next(c)}, 0};
    pthread_t id;
    CODE(pthread_create(&id, NULL, be_bound, &b));
    CODE(pthread_join(id, NULL));
    return b.value;
}

// ---- cancelled ------------------------------------------------------------------------------------------------

enum {
    IN_READ, IN_RECV, IN_ACCEPT, IN_POLL, IN_SELECT, IN_EPOLL, IN_COND, IN_TIMED_COND, IN_SEM, IN_SLEEP, IN_SIGWAIT, IN_PAUSE,
    IN_WRITE, IN_JOIN, IN_TEST, DISABLED, COMPUTING, CANCEL_WAYS,
};

struct victim {
    int way, ends[2], listener;
    struct chance chance;
    pthread_mutex_t lock;
    pthread_cond_t never;
    sem_t none, begun;
    pthread_t other, id;
    int cleaned;
    bool went_on;
};

static void clean(void *argument) { ((struct victim *)argument)->cleaned++; }

static void clean_locked(void *argument) {
    struct victim *v = argument;
    v->cleaned += 10;
    CODE(pthread_mutex_unlock(&v->lock)); // held again when a wait for a condition is cancelled
}

static void wait_cond(struct victim *v, bool timed) {
    struct timespec late = in_ms(CLOCK_REALTIME, 40000);
    CODE(pthread_mutex_lock(&v->lock));
    pthread_cleanup_push(clean_locked, v);
    for (;;) {
        if (timed) pthread_cond_timedwait(&v->never, &v->lock, &late);
        else pthread_cond_wait(&v->never, &v->lock);
    }
    pthread_cleanup_pop(0);
}

static void be_deaf_first(struct victim *v) {
    int old;
    CODE(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old));
    sleep_us(between(&v->chance, 0, 500));
    while (sem_wait(&v->none) < 0) CHECK(errno == EINTR); // posted after the cancel
    v->went_on = true;
    CODE(pthread_setcancelstate(old, NULL));
    for (;;) pthread_testcancel();
}

static void compute_for_ever(void) {
    CODE(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL));
    for (volatile int i = 0;; i++) continue;
}

static void wait_for_descriptor(struct victim *v) {
    struct pollfd polled = {.fd = v->ends[0], .events = POLLIN};
    struct epoll_event event = {.events = EPOLLIN};
    static char bytes[65536];
    fd_set set;
    FD_ZERO(&set);
    FD_SET(v->ends[0], &set);
    switch (v->way) {
    case IN_READ: SYS(read(v->ends[0], bytes, 1)); break;
    case IN_RECV: SYS(recv(v->ends[0], bytes, 1, 0)); break;
    case IN_ACCEPT: SYS(accept(v->listener, NULL, NULL)); break;
    case IN_POLL: SYS(poll(&polled, 1, -1)); break;
    case IN_SELECT: SYS(select(v->ends[0] + 1, &set, NULL, NULL, NULL)); break;
    case IN_EPOLL: SYS(epoll_wait(v->listener, &event, 1, -1)); break;
    default: for (;;) SYS(write(v->ends[1], bytes, sizeof bytes)); // until it is full
    }
}

static void wait_to_be_cancelled(struct victim *v) {
    sigset_t set;
    void *back;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    switch (v->way) {
    case IN_COND: wait_cond(v, false); break;
    case IN_TIMED_COND: wait_cond(v, true); break;
    case IN_SEM: SYS(sem_wait(&v->none)); break;
    case IN_SLEEP: sleep(40); break;
    case IN_SIGWAIT: AGAIN(sigwaitinfo(&set, NULL)); break; // Linux may say EINTR though no handler ran
    case IN_PAUSE: pause(); break;
    case IN_JOIN: CODE(pthread_join(v->other, &back)); break;
    case IN_TEST: for (;;) pthread_testcancel(), sched_yield();
    case DISABLED: be_deaf_first(v); break;
    case COMPUTING: compute_for_ever(); break;
    default: wait_for_descriptor(v); break;
    }
}

static void *be_victim(void *argument) {
    struct victim *v = argument;
    // The signals that its maker handles are not for this one: a call that they end is not cancelled.
    block_signals();
    pthread_cleanup_push(clean, v);
    SYS(sem_post(&v->begun));
    bool ready = v->way != IN_COND && v->way != IN_TIMED_COND && v->way != DISABLED; // a pause may be cancelled already
    if (ready && below(&v->chance, 2)) pause_maybe(&v->chance);
    wait_to_be_cancelled(v);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *be_other(void *argument) {
    sem_t *end = argument;
    while (sem_wait(end) < 0) CHECK(errno == EINTR);
    return argument;
}

static int listen_locally(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = (int)SYS(socket(AF_INET, SOCK_STREAM, 0));
    SYS(bind(fd, (struct sockaddr *)&a, sizeof a));
    SYS(listen(fd, 1));
    return fd;
}

static int watch(int fd) {
    struct epoll_event event = {.events = EPOLLIN};
    int loop = (int)SYS(epoll_create1(0));
    SYS(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event));
    return loop;
}

static void make_victim(struct victim *v, struct chance *c) {
    *v = (struct victim){.way = below(c, CANCEL_WAYS), .chance = {next(c)}, .listener = -1};
    CODE(pthread_mutex_init(&v->lock, NULL));
    CODE(pthread_cond_init(&v->never, NULL));
    SYS(sem_init(&v->none, 0, 0));
    SYS(sem_init(&v->begun, 0, 0));
    SYS(v->way == IN_READ && below(c, 2) ? pipe(v->ends) : socketpair(AF_UNIX, SOCK_STREAM, 0, v->ends));
    if (v->way == IN_ACCEPT) v->listener = listen_locally();
    if (v->way == IN_EPOLL) v->listener = watch(v->ends[0]);
}

static uint64_t end_victim(struct victim *v) {
    void *back;
    CODE(pthread_join(v->id, &back));
    CHECK(back == PTHREAD_CANCELED);
    CHECK(v->cleaned == (v->way == IN_COND || v->way == IN_TIMED_COND ? 11 : 1));
    CHECK(v->way != DISABLED || v->went_on);
    SYS(close(v->ends[0]));
    SYS(close(v->ends[1]));
    if (v->listener >= 0) SYS(close(v->listener));
    return (uint64_t)v->way;
}

uint64_t with_cancel(struct thread *me, uint64_t object, struct chance *c) {
    (void)me, (void)object;
    struct victim *v = malloc(sizeof *v);
    sem_t end_other;
    void *back;
    make_victim(v, c);
    SYS(sem_init(&end_other, 0, 0));
    if (v->way == IN_JOIN) CODE(pthread_create(&v->other, NULL, be_other, &end_other));
    CODE(pthread_create(&v->id, NULL, be_victim, v));
    sem_take(&v->begun, c); // before that the cleanup handler is not there
    if (below(c, 2)) sleep_us(below(c, 600));
    CODE(pthread_cancel(v->id));
    if (v->way == DISABLED) SYS(sem_post(&v->none));
    uint64_t seen = end_victim(v);
    if (v->way == IN_JOIN) {
        SYS(sem_post(&end_other));
        CODE(pthread_join(v->other, &back));
    }
    free(v);
    return seen;
}

// To be called before there are other threads: the kernel copies a forking process's handlers before its memory, so a fork beside
// the first cancellation makes a child in which libc takes its handler for installed though it is not.
void cancel_once(void) {
    pthread_t id;
    sem_t never;
    SYS(sem_init(&never, 0, 0));
    CODE(pthread_create(&id, NULL, be_other, &never));
    CODE(pthread_cancel(id));
    CODE(pthread_join(id, NULL));
}

// ---- shut down under their hands ------------------------------------------------------------------------------

struct blocked { int fd; bool accepts; long result; int error; pthread_t id; struct chance chance; };

static void *be_blocked(void *argument) {
    struct blocked *b = argument;
    char bytes[100];
    pause_maybe(&b->chance);
    if (!b->accepts && below(&b->chance, 3) == 0) wait_ready(b->fd, POLLIN, &b->chance);
    do b->result = b->accepts ? accept(b->fd, NULL, NULL) : recv(b->fd, bytes, sizeof bytes, 0); while (b->result < 0 && errno == EINTR);
    b->error = b->result < 0 ? errno : 0;
    return b;
}

// Readers of one socket all see its end; one that waits for connections is refused.
uint64_t with_shutdown(struct thread *me, uint64_t object, struct chance *c) {
    (void)me, (void)object;
    struct blocked b[HELPERS_MOST];
    int ends[2] = {-1, -1}, count = between(c, 1, HELPERS_MOST);
    bool accepts = below(c, 3) == 0;
    if (accepts) ends[0] = listen_locally();
    else SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    for (int i = 0; i < count; i++) {
        b[i] = (struct blocked){.fd = ends[0], .accepts = accepts, .chance = {next(c)}};
        CODE(pthread_create(&b[i].id, NULL, be_blocked, &b[i]));
    }
    if (below(c, 2)) sleep_us(below(c, 600));
    SYS(shutdown(accepts || below(c, 2) ? ends[0] : ends[1], SHUT_RDWR));
    uint64_t hash = 0;
    for (int i = 0; i < count; i++) {
        CODE(pthread_join(b[i].id, NULL));
        hash = fold(hash, (uint64_t)(b[i].result * 1000 + b[i].error));
    }
    SYS(close(ends[0]));
    if (!accepts) SYS(close(ends[1]));
    return hash;
}
