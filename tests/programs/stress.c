// A random mix of threads, locks, pipes, sockets, timers, signals and children whose results are known beforehand.
//
//   stress SEED
//
// The seed chooses which scenes run, how large, and every pause inside them; it does not choose the results: each scene
// counts or sums something whose value follows from its size, whatever the threads' order. Several scenes run at the same
// time, each from a thread of its own. Prints a line for each scene in the order in which they were chosen, and exits 0, or
// prints what was wrong and exits 1. The output depends on the seed alone, so a bare run and a run under the library agree.
// A failed call of libc is a failure of the run: nothing is retried here but what POSIX says may be interrupted.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "seeded.h"

enum { SCENES_MOST = 24, TOGETHER = 6, THREADS_MOST = 24, ECHO_MOST = 20000 };

uint64_t seed;

// ---- threads of a scene ---------------------------------------------------------------------------------------

struct scene;

struct worker {
    struct scene *scene;
    int index;
    struct chance chance;
    long result;
    pthread_t thread;
};

struct scene {
    const struct kind *kind;
    int threads, steps;
    struct chance chance;
    long result, expected;
    pthread_t director;
    void *shared;
};

struct kind {
    const char *name;
    long (*run)(struct scene *); // returns what `expect` must predict
    long (*expect)(const struct scene *);
};

static void start_workers(struct scene *s, struct worker *w, int count, void *(*body)(void *)) {
    for (int i = 0; i < count; i++) {
        w[i] = (struct worker){.scene = s, .index = i, .chance = {next(&s->chance)}};
        CODE(pthread_create(&w[i].thread, NULL, body, &w[i]));
    }
}

static long join_workers(struct worker *w, int count) {
    long sum = 0;
    for (int i = 0; i < count; i++) {
        void *back;
        CODE(pthread_join(w[i].thread, &back));
        CHECK(back == &w[i]);
        sum += w[i].result;
    }
    return sum;
}

static long run_workers(struct scene *s, int count, void *(*body)(void *)) {
    struct worker w[2 * THREADS_MOST];
    start_workers(s, w, count, body);
    return join_workers(w, count);
}

static long threads_times_steps(const struct scene *s) { return (long)s->threads * s->steps; }

// ---- mutexes --------------------------------------------------------------------------------------------------

struct locks { pthread_mutex_t plain, recursive, checking, adaptive, timed; long count[5]; };

static void under(pthread_mutex_t *mutex, long *count, struct chance *c) {
    CODE(pthread_mutex_lock(mutex));
    long seen = *count;
    pause_maybe(c);
    *count = seen + 1;
    CODE(pthread_mutex_unlock(mutex));
}

static void under_twice(pthread_mutex_t *mutex, long *count, struct chance *c) {
    CODE(pthread_mutex_lock(mutex));
    under(mutex, count, c);
    CODE(pthread_mutex_unlock(mutex));
}

static void under_timed(pthread_mutex_t *mutex, long *count, struct chance *c) {
    for (;;) {
        struct timespec limit = in_ms(CLOCK_REALTIME, below(c, 3));
        int code = pthread_mutex_timedlock(mutex, &limit);
        if (code == 0) break;
        if (code != ETIMEDOUT) FAIL("pthread_mutex_timedlock", code);
    }
    *count += 1;
    pause_maybe(c);
    CODE(pthread_mutex_unlock(mutex));
}

static void *lock_worker(void *argument) {
    struct worker *w = argument;
    struct locks *l = w->scene->shared;
    for (int i = 0; i < w->scene->steps; i++) {
        switch ((w->index + i) % 5) {
        case 0: under(&l->plain, &l->count[0], &w->chance); break;
        case 1: under_twice(&l->recursive, &l->count[1], &w->chance); break;
        case 2: under(&l->checking, &l->count[2], &w->chance); break;
        case 3: under(&l->adaptive, &l->count[3], &w->chance); break;
        case 4: under_timed(&l->timed, &l->count[4], &w->chance); break;
        }
    }
    return w;
}

static long run_locks(struct scene *s) {
    struct locks l = {0};
    make_mutex(&l.plain, PTHREAD_MUTEX_NORMAL);
    make_mutex(&l.recursive, PTHREAD_MUTEX_RECURSIVE);
    make_mutex(&l.checking, PTHREAD_MUTEX_ERRORCHECK);
    make_mutex(&l.adaptive, PTHREAD_MUTEX_ADAPTIVE_NP);
    make_mutex(&l.timed, PTHREAD_MUTEX_NORMAL);
    s->shared = &l;
    run_workers(s, s->threads, lock_worker);
    return l.count[0] + l.count[1] + l.count[2] + l.count[3] + l.count[4];
}

// ---- a bounded queue on conditions ----------------------------------------------------------------------------

enum { ROOM = 5 };

struct queue { pthread_mutex_t lock; pthread_cond_t filled, emptied; long items[ROOM]; int count; };

static void put(struct queue *q, long item, struct chance *c) {
    CODE(pthread_mutex_lock(&q->lock));
    while (q->count == ROOM) CODE(pthread_cond_wait(&q->emptied, &q->lock));
    q->items[q->count++] = item;
    CODE(pthread_cond_signal(&q->filled));
    pause_maybe(c);
    CODE(pthread_mutex_unlock(&q->lock));
}

static long get(struct queue *q, struct chance *c) {
    CODE(pthread_mutex_lock(&q->lock));
    while (q->count == 0) {
        struct timespec limit = in_ms(CLOCK_REALTIME, between(c, 0, 20));
        int code = below(c, 2) ? pthread_cond_wait(&q->filled, &q->lock) : pthread_cond_timedwait(&q->filled, &q->lock, &limit);
        if (code != 0 && code != ETIMEDOUT) FAIL("pthread_cond_timedwait", code);
    }
    long item = q->items[--q->count];
    CODE(pthread_cond_signal(&q->emptied));
    CODE(pthread_mutex_unlock(&q->lock));
    return item;
}

static void *queue_worker(void *argument) {
    struct worker *w = argument;
    for (int i = 0; i < w->scene->steps; i++) {
        if (w->index % 2 == 0) put(w->scene->shared, w->index + i, &w->chance);
        else w->result += get(w->scene->shared, &w->chance);
        pause_maybe(&w->chance);
    }
    return w;
}

static long run_queue(struct scene *s) {
    struct queue q = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER, .emptied = PTHREAD_COND_INITIALIZER};
    s->shared = &q;
    return run_workers(s, 2 * s->threads, queue_worker);
}

static long expect_queue(const struct scene *s) {
    long sum = 0;
    for (int i = 0; i < s->threads; i++) sum += 2L * i * s->steps + (long)s->steps * (s->steps - 1) / 2;
    return sum;
}

// ---- a token around a ring of semaphores ----------------------------------------------------------------------

struct ring { sem_t turn[THREADS_MOST]; long token; };

static void wait_turn(sem_t *turn, struct chance *c) {
    for (;;) {
        struct timespec limit = in_ms(CLOCK_REALTIME, below(c, 5));
        if ((below(c, 2) ? sem_wait(turn) : sem_timedwait(turn, &limit)) == 0) return;
        if (errno != ETIMEDOUT && errno != EINTR) FAIL("sem_timedwait", errno);
    }
}

static void *ring_worker(void *argument) {
    struct worker *w = argument;
    struct ring *r = w->scene->shared;
    for (int i = 0; i < w->scene->steps; i++) {
        wait_turn(&r->turn[w->index], &w->chance);
        CHECK(r->token == (long)i * w->scene->threads + w->index);
        r->token++;
        pause_maybe(&w->chance);
        SYS(sem_post(&r->turn[(w->index + 1) % w->scene->threads]));
    }
    return w;
}

static long run_ring(struct scene *s) {
    struct ring r = {.token = 0};
    for (int i = 0; i < s->threads; i++) SYS(sem_init(&r.turn[i], 0, i == 0));
    s->shared = &r;
    run_workers(s, s->threads, ring_worker);
    return r.token;
}

// ---- a pipe with many writers and readers ---------------------------------------------------------------------

static void *pipe_worker(void *argument) {
    struct worker *w = argument;
    int *ends = w->scene->shared;
    for (int i = 0; i < w->scene->steps; i++) {
        long item = w->index + i;
        if (w->index % 2 == 0) {
            CHECK(write(ends[1], &item, sizeof item) == sizeof item); // atomic: smaller than PIPE_BUF
        } else {
            CHECK(read(ends[0], &item, sizeof item) == sizeof item);
            w->result += item;
        }
        pause_maybe(&w->chance);
    }
    return w;
}

static long run_pipe(struct scene *s) {
    int ends[2];
    SYS(pipe(ends));
    s->shared = ends;
    long sum = run_workers(s, 2 * s->threads, pipe_worker);
    SYS(close(ends[1]));
    char byte;
    CHECK(read(ends[0], &byte, 1) == 0);
    SYS(close(ends[0]));
    return sum;
}

// ---- echo over sockets ----------------------------------------------------------------------------------------

static void send_all(int fd, const char *bytes, size_t length, struct chance *c) {
    while (length > 0) {
        size_t part = length > 1 && below(c, 2) ? length / 2 : length;
        struct iovec pieces[2] = {{(void *)bytes, part / 2}, {(void *)(bytes + part / 2), part - part / 2}};
        long sent = SYS(below(c, 3) ? send(fd, bytes, part, MSG_NOSIGNAL) : writev(fd, pieces, 2));
        bytes += sent;
        length -= (size_t)sent;
    }
}

static void wait_readable(int fd, struct chance *c) {
    struct pollfd one = {.fd = fd, .events = POLLIN};
    if (below(c, 2)) {
        CHECK(SYS(poll(&one, 1, -1)) == 1);
        return;
    }
    if (fd >= FD_SETSIZE) return;
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    CHECK(SYS(select(fd + 1, &set, NULL, NULL, NULL)) == 1);
}

static size_t receive_some(int fd, char *bytes, size_t length, struct chance *c) {
    if (below(c, 4) == 0) wait_readable(fd, c);
    switch (below(c, 3)) {
    case 0: return (size_t)SYS(recv(fd, bytes, length, 0));
    case 1: return (size_t)SYS(recv(fd, bytes, length, MSG_WAITALL));
    default: return (size_t)SYS(read(fd, bytes, length));
    }
}

static void receive_all(int fd, char *bytes, size_t length, struct chance *c) {
    for (size_t got = 0; got < length;) {
        size_t more = receive_some(fd, bytes + got, length - got, c);
        CHECK(more > 0);
        got += more;
    }
}

struct exchange { int fd; int steps; struct chance chance; };

static void *echo_peer(void *argument) {
    struct exchange *e = argument;
    char bytes[4096];
    for (;;) {
        long got = SYS(recv(e->fd, bytes, sizeof bytes, 0));
        if (got == 0) break;
        send_all(e->fd, bytes, (size_t)got, &e->chance);
        pause_maybe(&e->chance);
    }
    SYS(close(e->fd));
    free(e);
    return NULL;
}

static pthread_t start_peer(int fd, struct chance *c) {
    struct exchange *e = malloc(sizeof *e);
    *e = (struct exchange){.fd = fd, .chance = {next(c)}};
    pthread_t thread;
    CODE(pthread_create(&thread, NULL, echo_peer, e));
    return thread;
}

// Sends in parts that fit a socket's buffer, so that both sides may be blocking.
static void exchange_bytes(int fd, struct chance *c) {
    char sent[ECHO_MOST], got[ECHO_MOST];
    size_t length = (size_t)between(c, 1, below(c, 8) ? 500 : ECHO_MOST);
    for (size_t i = 0; i < length; i++) sent[i] = (char)(next(c) >> 32);
    send_all(fd, sent, length, c);
    receive_all(fd, got, length, c);
    CHECK(memcmp(sent, got, length) == 0);
}

static void talk(int fd, struct worker *w) {
    for (int i = 0; i < w->scene->steps; i++) {
        exchange_bytes(fd, &w->chance);
        pause_maybe(&w->chance);
        w->result++;
    }
    SYS(shutdown(fd, SHUT_WR));
    char byte;
    CHECK(recv(fd, &byte, 1, 0) == 0);
    SYS(close(fd));
}

static void *pair_worker(void *argument) {
    struct worker *w = argument;
    int ends[2];
    SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    pthread_t peer = start_peer(ends[1], &w->chance);
    talk(ends[0], w);
    CODE(pthread_join(peer, NULL));
    return w;
}

static long run_pairs(struct scene *s) { return run_workers(s, s->threads, pair_worker); }

struct server { int listener; struct sockaddr_in address; };

static void *accept_all(void *argument) {
    struct worker *w = argument;
    struct server *server = w->scene->shared;
    pthread_t peers[THREADS_MOST];
    for (int i = 0; i < w->scene->threads; i++) {
        int fd = (int)SYS(accept(server->listener, NULL, NULL));
        pause_maybe(&w->chance);
        peers[i] = start_peer(fd, &w->chance);
    }
    for (int i = 0; i < w->scene->threads; i++) CODE(pthread_join(peers[i], NULL));
    return w;
}

static void *tcp_worker(void *argument) {
    struct worker *w = argument;
    struct server *server = w->scene->shared;
    int fd = (int)SYS(socket(AF_INET, SOCK_STREAM, 0));
    pause_maybe(&w->chance);
    SYS(connect(fd, (struct sockaddr *)&server->address, sizeof server->address));
    talk(fd, w);
    return w;
}

static void listen_anywhere(struct server *server) {
    *server = (struct server){.address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof server->address;
    server->listener = (int)SYS(socket(AF_INET, SOCK_STREAM, 0));
    SYS(bind(server->listener, (struct sockaddr *)&server->address, length));
    SYS(listen(server->listener, 64));
    SYS(getsockname(server->listener, (struct sockaddr *)&server->address, &length));
}

static long run_tcp(struct scene *s) {
    struct server server;
    struct worker acceptor;
    listen_anywhere(&server);
    s->shared = &server;
    start_workers(s, &acceptor, 1, accept_all);
    long exchanged = run_workers(s, s->threads, tcp_worker);
    join_workers(&acceptor, 1);
    SYS(close(server.listener));
    return exchanged;
}

// The last bytes and the end of file may arrive as one event: a reader that takes the bytes must still be told of the end.
struct goodbye { int fd; size_t length; struct chance chance; };

static void *say_goodbye(void *argument) {
    struct goodbye *g = argument;
    char bytes[2000] = {0};
    pause_maybe(&g->chance);
    send_all(g->fd, bytes, g->length, &g->chance);
    SYS(close(g->fd));
    return NULL;
}

static int accept_from(struct server *server, int *client) {
    *client = (int)SYS(socket(AF_INET, SOCK_STREAM, 0));
    SYS(connect(*client, (struct sockaddr *)&server->address, sizeof server->address));
    return (int)SYS(accept(server->listener, NULL, NULL));
}

static void hear_goodbye(struct server *server, struct chance *c) {
    struct goodbye g = {.length = (size_t)between(c, 1, 2000), .chance = {next(c)}};
    int fd = accept_from(server, &g.fd);
    pthread_t peer;
    CODE(pthread_create(&peer, NULL, say_goodbye, &g));
    char bytes[4000];
    size_t heard = 0;
    for (long got = 1; got > 0; heard += (size_t)got) {
        if (below(c, 3) == 0) wait_readable(fd, c);
        got = SYS(recv(fd, bytes, sizeof bytes, 0));
    }
    CHECK(heard == g.length);
    CODE(pthread_join(peer, NULL));
    SYS(close(fd));
}

static void *goodbye_worker(void *argument) {
    struct worker *w = argument;
    struct server server;
    listen_anywhere(&server);
    for (; w->result < w->scene->steps; w->result++) hear_goodbye(&server, &w->chance);
    SYS(close(server.listener));
    return w;
}

static long run_goodbyes(struct scene *s) { return run_workers(s, s->threads, goodbye_worker); }

// ---- readers and writers --------------------------------------------------------------------------------------

struct pair { pthread_rwlock_t lock; long left, right; };

static void write_pair(struct pair *p, struct chance *c) {
    CODE(pthread_rwlock_wrlock(&p->lock));
    p->left++;
    pause_maybe(c);
    p->right++;
    CODE(pthread_rwlock_unlock(&p->lock));
}

static void read_pair(struct pair *p, struct chance *c) {
    CODE(pthread_rwlock_rdlock(&p->lock));
    long left = p->left;
    pause_maybe(c);
    CHECK(left == p->right && left == p->left);
    CODE(pthread_rwlock_unlock(&p->lock));
}

static void *rwlock_worker(void *argument) {
    struct worker *w = argument;
    for (int i = 0; i < w->scene->steps; i++) {
        if (w->index % 4 == 0) write_pair(w->scene->shared, &w->chance);
        else read_pair(w->scene->shared, &w->chance);
    }
    return w;
}

static long run_rwlock(struct scene *s) {
    struct pair p = {.lock = PTHREAD_RWLOCK_INITIALIZER};
    s->shared = &p;
    run_workers(s, s->threads, rwlock_worker);
    return p.left + p.right;
}

static long expect_rwlock(const struct scene *s) { return 2L * ((s->threads + 3) / 4) * s->steps; }

// ---- barriers -------------------------------------------------------------------------------------------------

struct phases { pthread_barrier_t barrier; atomic_long arrived; };

static void *barrier_worker(void *argument) {
    struct worker *w = argument;
    struct phases *p = w->scene->shared;
    for (int i = 0; i < w->scene->steps; i++) {
        pause_maybe(&w->chance);
        atomic_fetch_add(&p->arrived, 1);
        int code = pthread_barrier_wait(&p->barrier);
        CHECK(code == 0 || code == PTHREAD_BARRIER_SERIAL_THREAD);
        w->result += code == PTHREAD_BARRIER_SERIAL_THREAD;
        CHECK(atomic_load(&p->arrived) >= (long)(i + 1) * w->scene->threads);
        code = pthread_barrier_wait(&p->barrier);
        CHECK(code == 0 || code == PTHREAD_BARRIER_SERIAL_THREAD);
    }
    return w;
}

static long run_barrier(struct scene *s) {
    struct phases p = {.arrived = 0};
    CODE(pthread_barrier_init(&p.barrier, NULL, (unsigned)s->threads));
    s->shared = &p;
    long serial = run_workers(s, s->threads, barrier_worker);
    CODE(pthread_barrier_destroy(&p.barrier));
    return serial;
}

static long expect_barrier(const struct scene *s) { return s->steps; }

// ---- families of threads --------------------------------------------------------------------------------------

struct family { int depth; struct chance chance; long members; };

// A thread of two children each of which has two children: joined by their parent, wherever it runs by then.
static void *grow(void *argument) {
    struct family *f = argument;
    f->members = 1;
    if (f->depth == 0) return f;
    struct family children[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        children[i] = (struct family){.depth = f->depth - 1, .chance = {next(&f->chance)}};
        CODE(pthread_create(&threads[i], NULL, grow, &children[i]));
    }
    pause_maybe(&f->chance);
    for (int i = 0; i < 2; i++) {
        void *back;
        CODE(pthread_join(threads[i], &back));
        f->members += ((struct family *)back)->members;
    }
    return f;
}

static long run_family(struct scene *s) {
    struct family root = {.depth = 2 + s->threads % 4, .chance = {next(&s->chance)}};
    return ((struct family *)grow(&root))->members;
}

static long expect_family(const struct scene *s) { return (1L << (3 + s->threads % 4)) - 1; }

// Threads that nobody joins; the semaphore is static, since the last of them may still be inside sem_post when it is waited for.
struct errand { sem_t *done; struct chance chance; };

static void *run_errand(void *argument) {
    struct errand *e = argument;
    pause_maybe(&e->chance);
    sem_t *done = e->done;
    free(e);
    SYS(sem_post(done));
    return NULL;
}

static void send_errand(sem_t *done, struct chance *c) {
    pthread_attr_t attributes;
    pthread_t thread;
    struct errand *e = malloc(sizeof *e);
    *e = (struct errand){done, {next(c)}};
    bool born_detached = below(c, 2);
    CODE(pthread_attr_init(&attributes));
    CODE(pthread_attr_setstacksize(&attributes, (size_t)between(c, 4, 64) << 14));
    if (born_detached) CODE(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED));
    CODE(pthread_create(&thread, &attributes, run_errand, e));
    if (!born_detached) CODE(pthread_detach(thread));
    CODE(pthread_attr_destroy(&attributes));
}

static long run_detached(struct scene *s) {
    sem_t *done = malloc(sizeof *done); // never freed: see above
    SYS(sem_init(done, 0, 0));
    long count = 0;
    for (int i = 0; i < s->threads * 4; i++) send_errand(done, &s->chance);
    while (count < s->threads * 4) {
        while (sem_wait(done) < 0) CHECK(errno == EINTR);
        count++;
    }
    return count;
}

static long expect_detached(const struct scene *s) { return 4L * s->threads; }

// ---- time -----------------------------------------------------------------------------------------------------

static int time_out_somehow(int way, int ms) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    struct timespec limit = in_ms(CLOCK_REALTIME, ms);
    sem_t none;
    int code;
    switch (way) {
    case 0:
        CODE(pthread_mutex_lock(&lock));
        do code = pthread_cond_timedwait(&never, &lock, &limit); while (code == 0); // spurious
        CODE(pthread_mutex_unlock(&lock));
        return code == ETIMEDOUT;
    case 1:
        SYS(sem_init(&none, 0, 0));
        return sem_timedwait(&none, &limit) < 0 && errno == ETIMEDOUT;
    case 2:
        return SYS(poll(NULL, 0, ms)) == 0;
    case 3:
        return usleep((useconds_t)ms * 1000) == 0;
    default:
        return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &limit, NULL) == 0;
    }
}

static void *time_worker(void *argument) {
    struct worker *w = argument;
    for (int i = 0; i < 10; i++) {
        int ms = below(&w->chance, 8);
        struct timespec earliest = in_ms(CLOCK_MONOTONIC, ms), now;
        w->result += time_out_somehow(below(&w->chance, 5), ms);
        clock_gettime(CLOCK_MONOTONIC, &now);
        long early = (earliest.tv_sec - now.tv_sec) * 1000000000L + earliest.tv_nsec - now.tv_nsec;
        if (early > 1000000) FAIL("woken too early, ns", early); // a millisecond for the two clocks' difference
    }
    return w;
}

static long run_time(struct scene *s) { return run_workers(s, s->threads, time_worker); }

static long expect_time(const struct scene *s) { return 10L * s->threads; }

// ---- eventfd and epoll ----------------------------------------------------------------------------------------

static void *event_worker(void *argument) {
    struct worker *w = argument;
    int *events = w->scene->shared;
    for (int i = 0; i < w->scene->steps; i++) {
        uint64_t one = 1;
        CHECK(write(events[w->index % 3], &one, sizeof one) == sizeof one);
        pause_maybe(&w->chance);
    }
    return w;
}

static void watch(int loop, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    SYS(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event));
}

static long run_events(struct scene *s) {
    struct worker w[THREADS_MOST];
    int events[3], loop = (int)SYS(epoll_create1(0));
    for (int i = 0; i < 3; i++) {
        events[i] = (int)SYS(eventfd(0, 0));
        watch(loop, events[i]);
    }
    s->shared = events;
    start_workers(s, w, s->threads, event_worker);
    long sum = 0;
    while (sum < threads_times_steps(s)) {
        struct epoll_event ready[3];
        int count = (int)SYS(epoll_wait(loop, ready, 3, -1));
        for (int i = 0; i < count; i++) {
            uint64_t value;
            CHECK(read(ready[i].data.fd, &value, sizeof value) == sizeof value);
            sum += (long)value;
        }
    }
    join_workers(w, s->threads);
    for (int i = 0; i < 3; i++) SYS(close(events[i]));
    SYS(close(loop));
    return sum;
}

// ---- what belongs to one thread -------------------------------------------------------------------------------

static __thread long own_zero;
static __thread long own_set = 41;

struct keyed { pthread_key_t key; atomic_long destroyed; };
struct value { struct keyed *of; long number; };

static void destroy_value(void *argument) {
    struct value *v = argument;
    atomic_fetch_add(&v->of->destroyed, v->number);
    free(v);
}

static void *own_worker(void *argument) {
    struct worker *w = argument;
    struct keyed *k = w->scene->shared;
    CHECK(own_zero == 0 && own_set == 41 && pthread_getspecific(k->key) == NULL);
    struct value *v = malloc(sizeof *v);
    *v = (struct value){k, w->index};
    CODE(pthread_setspecific(k->key, v));
    pthread_t self = pthread_self();
    for (int i = 0; i < w->scene->steps; i++) {
        own_zero++, own_set++;
        errno = w->index + 1;
        pause_maybe(&w->chance);
        CHECK(own_zero == i + 1 && own_set == 42 + i);
        CHECK(pthread_equal(self, pthread_self()) && pthread_getspecific(k->key) == v);
    }
    w->result = own_zero;
    return w;
}

static long run_own(struct scene *s) {
    struct keyed k = {.destroyed = 0};
    CODE(pthread_key_create(&k.key, destroy_value));
    s->shared = &k;
    long sum = run_workers(s, s->threads, own_worker);
    CHECK(atomic_load(&k.destroyed) == (long)s->threads * (s->threads - 1) / 2);
    CODE(pthread_key_delete(k.key));
    return sum;
}

static pthread_once_t once_controls[SCENES_MOST];
static atomic_int once_used;
static atomic_long once_calls[SCENES_MOST];
static __thread int once_index;

static void initialise(void) {
    usleep(500);
    atomic_fetch_add(&once_calls[once_index], 1);
}

static void *once_worker(void *argument) {
    struct worker *w = argument;
    once_index = *(int *)w->scene->shared;
    pause_maybe(&w->chance);
    CODE(pthread_once(&once_controls[once_index], initialise));
    w->result = atomic_load(&once_calls[once_index]);
    return w;
}

static long run_once(struct scene *s) {
    int index = atomic_fetch_add(&once_used, 1);
    s->shared = &index;
    return run_workers(s, s->threads, once_worker);
}

static long expect_once(const struct scene *s) { return s->threads; }

// ---- signals to threads ---------------------------------------------------------------------------------------

static int awaited_signal(void) { return SIGRTMIN + 1; }
static int handled_signal(void) { return SIGRTMIN + 2; }

struct tally { atomic_long sum, count; };

static __thread struct tally *tally;

static void handle(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    atomic_fetch_add(&tally->sum, info->si_value.sival_int);
    atomic_fetch_add(&tally->count, 1);
}

// One that is told to the kernel's queue, which may be full.
static void queue_signal(pthread_t thread, int number, int value) {
    int code;
    while ((code = pthread_sigqueue(thread, number, (union sigval){.sival_int = value})) == EAGAIN) usleep(100);
    CODE(code);
}

static void block(int number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    CODE(pthread_sigmask(SIG_BLOCK, &set, NULL));
}

// Takes each signal, in the order in which they were sent.
static void *awaiting_worker(void *argument) {
    struct worker *w = argument;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, awaited_signal());
    for (int i = 0; i < w->scene->steps;) {
        struct timespec limit = {0, between(&w->chance, 0, 3000000)};
        siginfo_t info;
        int number = below(&w->chance, 2) ? sigwaitinfo(&set, &info) : sigtimedwait(&set, &info, &limit);
        if (number < 0) {
            if (errno != EAGAIN && errno != EINTR) FAIL("sigtimedwait", errno);
            continue;
        }
        CHECK(number == awaited_signal() && info.si_value.sival_int == i);
        w->result += ++i;
        pause_maybe(&w->chance);
    }
    return w;
}

// Runs a handler for each, parked here or there; the program's other calls see no EINTR of its.
static void *handling_worker(void *argument) {
    struct worker *w = argument;
    struct tally own = {0};
    tally = &own;
    sigset_t open;
    CODE(pthread_sigmask(SIG_BLOCK, NULL, &open));
    sigdelset(&open, handled_signal());
    while (atomic_load(&own.count) < w->scene->steps) {
        struct timespec limit = {0, between(&w->chance, 0, 2000000)};
        switch (below(&w->chance, 3)) {
        case 0: sigsuspend(&open); break;
        case 1: ppoll(NULL, 0, &limit, &open); break;
        default:
            CODE(pthread_sigmask(SIG_SETMASK, &open, NULL));
            usleep((useconds_t)below(&w->chance, 300));
            block(handled_signal());
            break;
        }
    }
    w->result = atomic_load(&own.sum);
    return w;
}

static long run_signals(struct scene *s, int number, void *(*body)(void *)) {
    struct worker w[THREADS_MOST];
    block(number);
    start_workers(s, w, s->threads, body);
    for (int i = 0; i < s->steps; i++) {
        for (int j = 0; j < s->threads; j++) queue_signal(w[j].thread, number, number == awaited_signal() ? i : i + 1);
        pause_maybe(&s->chance);
    }
    return join_workers(w, s->threads);
}

static long run_awaited(struct scene *s) { return run_signals(s, awaited_signal(), awaiting_worker); }
static long run_handled(struct scene *s) { return run_signals(s, handled_signal(), handling_worker); }

static long expect_signals(const struct scene *s) { return (long)s->threads * s->steps * (s->steps + 1) / 2; }

// ---- children -------------------------------------------------------------------------------------------------

enum { CHILDREN_MOST = 4 };

static void *child_thread(void *argument) {
    usleep(100);
    return argument;
}

// The child of a process with threads: alone, and able to make threads of its own.
static void be_child(int code, int end) {
    pthread_t threads[3];
    alarm(30);
    for (intptr_t i = 0; i < 3; i++) CODE(pthread_create(&threads[i], NULL, child_thread, (void *)i));
    for (intptr_t i = 0; i < 3; i++) {
        void *back;
        CODE(pthread_join(threads[i], &back));
        CHECK(back == (void *)i);
    }
    CHECK(write(end, &code, sizeof code) == sizeof code);
    _exit(code);
}

static void have_child(int code, struct chance *c) {
    int ends[2], status, told = -1;
    SYS(pipe(ends));
    bool borrows = below(c, 3) == 0;
    pid_t child = (pid_t)SYS(borrows ? vfork() : fork());
    if (child == 0) {
        if (!borrows) be_child(code, ends[1]);
        told = code; // seen by the parent, whose memory this is
        execl("/bin/true", "true", (char *)NULL);
        _exit(127);
    }
    if (!borrows) CHECK(read(ends[0], &told, sizeof told) == sizeof told);
    pid_t ended;
    while ((ended = waitpid(child, &status, 0)) < 0) CHECK(errno == EINTR);
    CHECK(ended == child && WIFEXITED(status) && WEXITSTATUS(status) == (borrows ? 0 : code) && told == code);
    SYS(close(ends[0]));
    SYS(close(ends[1]));
}

static void *parent_worker(void *argument) {
    struct worker *w = argument;
    for (int i = 0; i < CHILDREN_MOST; i++) {
        have_child(between(&w->chance, 1, 100), &w->chance);
        pause_maybe(&w->chance);
        w->result++;
    }
    return w;
}

static int parents(const struct scene *s) { return 1 + s->threads % 4; }
static long run_children(struct scene *s) { return run_workers(s, parents(s), parent_worker); }
static long expect_children(const struct scene *s) { return (long)CHILDREN_MOST * parents(s); }

// ---- the whole ------------------------------------------------------------------------------------------------

static const struct kind kinds[] = {
    {"locks", run_locks, threads_times_steps},     {"queue", run_queue, expect_queue},
    {"ring", run_ring, threads_times_steps},       {"pipe", run_pipe, expect_queue},
    {"pairs", run_pairs, threads_times_steps},     {"tcp", run_tcp, threads_times_steps},
    {"rwlock", run_rwlock, expect_rwlock},         {"barrier", run_barrier, expect_barrier},
    {"family", run_family, expect_family},         {"detached", run_detached, expect_detached},
    {"time", run_time, expect_time},               {"events", run_events, threads_times_steps},
    {"own", run_own, threads_times_steps},         {"once", run_once, expect_once},
    {"goodbyes", run_goodbyes, threads_times_steps}, {"awaited", run_awaited, expect_signals},
    {"handled", run_handled, expect_signals},      {"children", run_children, expect_children},
};

static struct scene scenes[SCENES_MOST];
static sem_t places;

static void *direct(void *argument) {
    struct scene *s = argument;
    s->result = s->kind->run(s);
    SYS(sem_post(&places));
    return s;
}

static void choose_scene(struct scene *s, struct chance *c) {
    *s = (struct scene){
        .kind = &kinds[below(c, (int)(sizeof kinds / sizeof *kinds))],
        .threads = between(c, 2, THREADS_MOST),
        .steps = between(c, 5, 60),
        .chance = {next(c)},
    };
}

static bool report(const struct scene *s) {
    long expected = s->kind->expect(s);
    printf("%s threads %d steps %d: %ld\n", s->kind->name, s->threads, s->steps, s->result);
    if (s->result != expected) printf("seed %llu: expected %ld\n", (unsigned long long)seed, expected);
    return s->result == expected;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: stress SEED\n");
        return 2;
    }
    seed = strtoull(argv[1], NULL, 10);
    struct chance chance = {seed};
    int count = between(&chance, SCENES_MOST / 2, SCENES_MOST);
    bool right = true;
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_RESTART};
    SYS(sigaction(handled_signal(), &action, NULL));
    SYS(sem_init(&places, 0, TOGETHER));
    for (int i = 0; i < count; i++) {
        choose_scene(&scenes[i], &chance);
        while (sem_wait(&places) < 0) CHECK(errno == EINTR);
        CODE(pthread_create(&scenes[i].director, NULL, direct, &scenes[i]));
    }
    for (int i = 0; i < count; i++) CODE(pthread_join(scenes[i].director, NULL));
    for (int i = 0; i < count; i++) right = report(&scenes[i]) && right;
    return right ? 0 : 1;
}
