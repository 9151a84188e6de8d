// Steps on what all threads share, in any order, and on what a thread has for itself.

#include "program.h"
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static __thread struct program *current;
static __thread int once_index;

// ---- objects --------------------------------------------------------------------------------------------------

enum { TIMED = 4, INHERITING = 5, ROBUST = 6, SHARED = 7 };

static void make_lock(pthread_mutex_t *lock, int kind) {
    static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ADAPTIVE_NP};
    if (kind <= TIMED) {
        make_mutex(lock, types[kind % TIMED]);
        return;
    }
    pthread_mutexattr_t attributes;
    CODE(pthread_mutexattr_init(&attributes));
    if (kind == INHERITING) CODE(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT));
    if (kind == ROBUST) CODE(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
    if (kind == SHARED) CODE(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
    CODE(pthread_mutex_init(lock, &attributes));
    CODE(pthread_mutexattr_destroy(&attributes));
}

static void make_rwlock(pthread_rwlock_t *lock, struct chance *c) {
    pthread_rwlockattr_t attributes;
    CODE(pthread_rwlockattr_init(&attributes));
    if (below(c, 2)) CODE(pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP));
    CODE(pthread_rwlock_init(lock, &attributes));
    CODE(pthread_rwlockattr_destroy(&attributes));
}

struct value { struct program *program; uint64_t number; };

// Destructors may wait like any other code.
static void value_gone(void *argument) {
    struct value *v = argument;
    struct chance c = {v->number};
    pause_maybe(&c);
    atomic_fetch_add(&v->program->keyed, v->number);
    free(v);
}

// Comes back once, so that it is counted after the other keys' destructors have run.
static void thread_gone(void *argument) {
    struct thread *me = argument;
    struct program *p = me->program;
    if (steps_done != UINT64_MAX) {
        steps_done = UINT64_MAX;
        CODE(pthread_setspecific(p->leaving, me));
        return;
    }
    CODE(pthread_mutex_lock(&p->left_lock));
    p->gone++;
    CODE(pthread_cond_signal(&p->all_left));
    CODE(pthread_mutex_unlock(&p->left_lock));
}

void make_objects(struct program *p) {
    static const pthread_once_t fresh = PTHREAD_ONCE_INIT;
    struct chance c = {fold(p->seed, 1)};
    for (int i = 0; i < LOCKS; i++) make_lock(&p->lock[i], p->lock_kind[i] = below(&c, 8) ? below(&c, INHERITING) : between(&c, INHERITING, SHARED));
    for (int i = 0; i < RWLOCKS; i++) make_rwlock(&p->rwlock[i], &c);
    for (int i = 0; i < ONCES; i++) p->once[i] = fresh;
    for (int i = 0; i < KEYS; i++) CODE(pthread_key_create(&p->key[i], value_gone));
    CODE(pthread_key_create(&p->leaving, thread_gone));
    CODE(pthread_mutex_init(&p->clock_lock, NULL));
    CODE(pthread_mutex_init(&p->left_lock, NULL));
    CODE(pthread_cond_init(&p->all_left, NULL));
}

// ---- locks ----------------------------------------------------------------------------------------------------

static int try_lock(struct program *p, int i, struct chance *c) {
    bool plainly = p->lock_kind[i] == INHERITING; // the kernel knows one clock for it
    struct timespec real = in_ms(CLOCK_REALTIME, below(c, 3)), mono = in_ms(CLOCK_MONOTONIC, below(c, 3));
    switch (below(c, 6)) {
    case 0: return pthread_mutex_timedlock(&p->lock[i], &real);
    case 1: return plainly ? pthread_mutex_lock(&p->lock[i]) : pthread_mutex_clocklock(&p->lock[i], CLOCK_MONOTONIC, &mono);
    case 2: sched_yield(); return pthread_mutex_trylock(&p->lock[i]);
    default: return pthread_mutex_lock(&p->lock[i]);
    }
}

static void lock_somehow(struct program *p, int i, struct chance *c) {
    int code;
    while ((code = try_lock(p, i, c)) != 0)
        if (code != ETIMEDOUT && code != EBUSY) FAIL("locking", code);
}

uint64_t with_locks(struct thread *me, uint64_t object, struct chance *c) {
    (void)object;
    struct program *p = me->program;
    int set = 1 + below(c, (1 << LOCKS) - 1), again = 0;
    if (below(c, 3)) set = 1 << below(c, LOCKS);
    int marked = 1000 + below(c, 100);
    for (int i = 0; i < LOCKS; i++) {
        if (!(set >> i & 1)) continue;
        lock_somehow(p, i, c);
        if (p->lock_kind[i] == 1 && below(c, 2)) {
            CODE(pthread_mutex_lock(&p->lock[i]));
            again |= 1 << i;
        }
        uint64_t seen = p->sum[i];
        pause_maybe(c);
        p->sum[i] = seen + fold(me->hash, (uint64_t)i);
    }
    for (int i = LOCKS - 1; i >= 0; i--) {
        if (again >> i & 1) CODE(pthread_mutex_unlock(&p->lock[i]));
        errno = marked;
        if (set >> i & 1) CODE(pthread_mutex_unlock(&p->lock[i]));
        CHECK(errno == marked);
    }
    return (uint64_t)set;
}

static int try_rwlock(pthread_rwlock_t *lock, bool write, struct chance *c) {
    struct timespec real = in_ms(CLOCK_REALTIME, below(c, 3)), mono = in_ms(CLOCK_MONOTONIC, below(c, 3));
    switch (below(c, 5)) {
    case 0: return write ? pthread_rwlock_timedwrlock(lock, &real) : pthread_rwlock_timedrdlock(lock, &real);
    case 1: return write ? pthread_rwlock_clockwrlock(lock, CLOCK_MONOTONIC, &mono) : pthread_rwlock_clockrdlock(lock, CLOCK_MONOTONIC, &mono);
    case 2: sched_yield(); return write ? pthread_rwlock_trywrlock(lock) : pthread_rwlock_tryrdlock(lock);
    default: return write ? pthread_rwlock_wrlock(lock) : pthread_rwlock_rdlock(lock);
    }
}

uint64_t with_rwlock(struct thread *me, uint64_t object, struct chance *c) {
    (void)object;
    struct program *p = me->program;
    int i = below(c, RWLOCKS), code;
    bool write = below(c, 3) == 0;
    while ((code = try_rwlock(&p->rwlock[i], write, c)) != 0)
        if (code != ETIMEDOUT && code != EBUSY) FAIL("locking to read or write", code);
    uint64_t left = p->left[i];
    if (write) p->left[i] = left += me->hash;
    pause_maybe(c);
    if (write) p->right[i] += me->hash;
    CHECK(p->left[i] == left && p->right[i] == left);
    CODE(pthread_rwlock_unlock(&p->rwlock[i]));
    return (uint64_t)i;
}

// ---- what ends by itself --------------------------------------------------------------------------------------

void sleep_us(long us) {
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    while (nanosleep(&t, &t) < 0) CHECK(errno == EINTR);
}

uint64_t with_sleep(struct thread *me, uint64_t object, struct chance *c) {
    (void)me, (void)object;
    struct timespec begun = in_ms(CLOCK_MONOTONIC, 0), limit, now;
    int ms = below(c, 3), code;
    clockid_t clock = below(c, 2) ? CLOCK_MONOTONIC : CLOCK_REALTIME;
    switch (below(c, 3)) {
    case 0: sleep_us(ms * 1000L); break;
    case 1:
        limit = in_ms(clock, ms);
        while ((code = clock_nanosleep(clock, TIMER_ABSTIME, &limit, NULL)) != 0) CHECK(code == EINTR);
        break;
    default:
        limit = (struct timespec){0, ms * 1000000L};
        while ((code = clock_nanosleep(clock, 0, &limit, &limit)) != 0) CHECK(code == EINTR);
        break;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    long took = (now.tv_sec - begun.tv_sec) * 1000000000L + now.tv_nsec - begun.tv_nsec;
    if (took < ms * 1000000L - 1000000L) FAIL("slept too short, ns", took); // a millisecond for the two clocks' difference
    return (uint64_t)ms;
}

static int no_condition(struct chance *c) {
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond;
    clockid_t clock = make_cond(&cond, c);
    struct timespec limit = in_ms(clock, below(c, 3));
    int code;
    CODE(pthread_mutex_lock(&lock));
    do code = pthread_cond_timedwait(&cond, &lock, &limit); while (code == 0);
    CODE(pthread_mutex_unlock(&lock));
    CODE(pthread_cond_destroy(&cond));
    return code;
}

static int no_semaphore(struct chance *c) {
    sem_t none;
    struct timespec limit = in_ms(CLOCK_REALTIME, below(c, 3));
    SYS(sem_init(&none, 0, 0));
    while (sem_timedwait(&none, &limit) < 0 && errno == EINTR) continue;
    return errno;
}

static int no_message(struct chance *c) {
    int ends[2];
    char byte;
    struct timeval limit = {0, between(c, 1, 4000)};
    SYS(socketpair(AF_UNIX, below(c, 2) ? SOCK_STREAM : SOCK_DGRAM, 0, ends));
    SYS(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
    long got;
    while ((got = recv(ends[0], &byte, 1, 0)) < 0 && errno == EINTR) continue;
    int code = got < 0 ? errno : 0;
    SYS(close(ends[0]));
    SYS(close(ends[1]));
    return code;
}

static int no_event(struct chance *c) {
    struct epoll_event event = {.events = EPOLLIN};
    struct pollfd polled = {.fd = (int)SYS(eventfd(0, 0)), .events = POLLIN};
    int loop = (int)SYS(epoll_create1(0));
    SYS(epoll_ctl(loop, EPOLL_CTL_ADD, polled.fd, &event));
    long found = below(c, 2) ? AGAIN(epoll_wait(loop, &event, 1, below(c, 3))) : AGAIN(poll(&polled, 1, below(c, 3)));
    SYS(close(loop));
    SYS(close(polled.fd));
    return (int)found;
}

static int no_signal(struct chance *c) {
    sigset_t set;
    siginfo_t info;
    struct timespec limit = {0, below(c, 2000000)};
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    while (sigtimedwait(&set, &info, &limit) < 0 && errno == EINTR) continue;
    return errno;
}

static int no_lock(struct chance *c) {
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct timespec limit = in_ms(CLOCK_REALTIME, below(c, 3));
    CODE(pthread_mutex_lock(&lock));
    int code = pthread_mutex_timedlock(&lock, &limit);
    CODE(pthread_mutex_unlock(&lock));
    return code;
}

static int no_rwlock(struct chance *c) {
    pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
    struct timespec limit = in_ms(CLOCK_REALTIME, below(c, 3));
    CODE(pthread_rwlock_rdlock(&lock));
    int code = pthread_rwlock_timedwrlock(&lock, &limit);
    CODE(pthread_rwlock_unlock(&lock));
    return code;
}

uint64_t with_timeouts(struct thread *me, uint64_t object, struct chance *c) {
    static int (*const ways[])(struct chance *) = {no_condition, no_semaphore, no_message, no_event, no_signal, no_lock, no_rwlock};
    (void)me, (void)object;
    int way = below(c, 7);
    return (uint64_t)(way * 1000 + ways[way](c));
}

// ---- what is refused ------------------------------------------------------------------------------------------

uint64_t with_errors(struct thread *me, uint64_t object, struct chance *c) {
    (void)object;
    pthread_mutex_t checking, recursive, plain = PTHREAD_MUTEX_INITIALIZER;
    pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
    struct timespec past = {0, 0}, wrong = {0, -1};
    uint64_t hash = 0;
    make_mutex(&checking, PTHREAD_MUTEX_ERRORCHECK);
    make_mutex(&recursive, PTHREAD_MUTEX_RECURSIVE);
    hash = fold(hash, (uint64_t)pthread_mutex_unlock(&checking));
    CODE(pthread_mutex_lock(&checking));
    CODE(pthread_mutex_lock(&recursive));
    CODE(pthread_mutex_lock(&plain));
    pause_maybe(c);
    hash = fold(hash, (uint64_t)pthread_mutex_lock(&checking));
    hash = fold(hash, (uint64_t)pthread_mutex_trylock(&recursive));
    hash = fold(hash, (uint64_t)pthread_mutex_trylock(&plain));
    hash = fold(hash, (uint64_t)pthread_mutex_timedlock(&plain, &past));
    hash = fold(hash, (uint64_t)pthread_mutex_timedlock(&plain, &wrong));
    CODE(pthread_rwlock_wrlock(&rw));
    hash = fold(hash, (uint64_t)pthread_rwlock_wrlock(&rw));
    hash = fold(hash, (uint64_t)pthread_rwlock_tryrdlock(&rw));
    CODE(pthread_rwlock_unlock(&rw));
    CODE(pthread_mutex_unlock(&plain));
    CODE(pthread_mutex_unlock(&recursive));
    CODE(pthread_mutex_unlock(&recursive));
    hash = fold(hash, (uint64_t)pthread_mutex_unlock(&recursive));
    CODE(pthread_mutex_unlock(&checking));
    bool joins = way_joins(me->way) && (me->index > 0 || me->program->depth == 0); // else another error once it is detached
    if (joins) hash = fold(hash, (uint64_t)pthread_join(pthread_self(), NULL));
    return hash;
}

// ---- what a thread has for itself -----------------------------------------------------------------------------

uint64_t with_key(struct thread *me, uint64_t object, struct chance *c) {
    (void)object;
    pthread_key_t key = me->program->key[below(c, KEYS)];
    struct value *v = pthread_getspecific(key);
    if (v == NULL) {
        v = malloc(sizeof *v);
        *v = (struct value){me->program, 0};
        CODE(pthread_setspecific(key, v));
    }
    v->number += me->hash;
    pause_maybe(c);
    CHECK(pthread_getspecific(key) == v);
    return v->number;
}

static void initialise(void) {
    sleep_us(50);
    atomic_fetch_add(&current->once_calls[once_index], 1);
}

uint64_t with_once(struct thread *me, uint64_t object, struct chance *c) {
    (void)object;
    current = me->program, once_index = below(c, ONCES);
    CODE(pthread_once(&current->once[once_index], initialise));
    return (uint64_t)atomic_load(&current->once_calls[once_index]);
}

// ---- descriptors ----------------------------------------------------------------------------------------------

static uint64_t moved_pipe(struct chance *c) {
    int ends[2], other[2];
    char byte = 0;
    SYS(pipe(ends));
    SYS(pipe(other));
    SYS(dup2(ends[1], other[1])); // the second pipe has lost its writer
    SYS(close(ends[1]));
    CHECK(at_end(other[0], c));
    CHECK(AGAIN(write(other[1], "x", 1)) == 1);
    if (below(c, 2)) wait_ready(ends[0], POLLIN, c);
    CHECK(AGAIN(read(ends[0], &byte, 1)) == 1);
    SYS(close(other[1]));
    CHECK(at_end(ends[0], c));
    SYS(close(ends[0]));
    SYS(close(other[0]));
    return (uint64_t)byte;
}

// A shutdown, not a close: a child that was forked meanwhile may have the other end as well.
static uint64_t broken_pair(struct chance *c) {
    int ends[2], waiting = 0;
    char bytes[100] = {0};
    SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends));
    uint64_t first = (uint64_t)(read(ends[0], bytes, 1) < 0 ? errno : 0);
    CHECK(write(ends[1], bytes, sizeof bytes) == sizeof bytes);
    SYS(ioctl(ends[0], FIONREAD, &waiting));
    wait_ready(ends[0], POLLIN, c);
    SYS(shutdown(ends[0], SHUT_RD));
    uint64_t second = (uint64_t)(write(ends[1], bytes, 1) < 0 ? errno : 0);
    SYS(close(ends[0]));
    SYS(close(ends[1]));
    return fold(first, second + (uint64_t)waiting);
}

static uint64_t event_count(struct chance *c) {
    int fd = (int)SYS(eventfd((unsigned)below(c, 5), 0)), copy = (int)SYS(fcntl(fd, F_DUPFD_CLOEXEC, 50));
    uint64_t add = (uint64_t)between(c, 1, 100), seen;
    write_all(fd, &add, sizeof add, false, c);
    SYS(close(fd));
    read_all(copy, &seen, sizeof seen, c);
    SYS(close(copy));
    return seen;
}

uint64_t with_descriptors(struct thread *me, uint64_t object, struct chance *c) {
    (void)me, (void)object;
    switch (below(c, 3)) {
    case 0: return moved_pipe(c);
    case 1: return broken_pair(c);
    default: return event_count(c);
    }
}
