// Channels in memory: monitors of POSIX and of C11, a pair of semaphores, a futex; and the gate.

#include "carriers.h"
#include <linux/futex.h>
#include <sys/syscall.h>

// ---- waiting --------------------------------------------------------------------------------------------------

// 0, also for nothing, or ETIMEDOUT.
int cond_wait_somehow(pthread_cond_t *cond, pthread_mutex_t *lock, clockid_t clock, struct chance *c) {
    struct timespec limit;
    int code;
    clockid_t other = below(c, 2) ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    switch (below(c, 4)) {
    case 0:
        limit = in_ms(clock, below(c, 4));
        code = pthread_cond_timedwait(cond, lock, &limit);
        break;
    case 1:
        limit = in_ms(other, below(c, 4));
        code = pthread_cond_clockwait(cond, lock, other, &limit);
        break;
    default: code = pthread_cond_wait(cond, lock); break;
    }
    if (code != 0 && code != ETIMEDOUT) FAIL("waiting for a condition", code);
    return code;
}

clockid_t make_cond(pthread_cond_t *cond, struct chance *c) {
    clockid_t clock = below(c, 2) ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    pthread_condattr_t attributes;
    CODE(pthread_condattr_init(&attributes));
    CODE(pthread_condattr_setclock(&attributes, clock));
    if (below(c, 8) == 0) CODE(pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
    CODE(pthread_cond_init(cond, &attributes));
    CODE(pthread_condattr_destroy(&attributes));
    return clock;
}

void sem_take(sem_t *s, struct chance *c) {
    for (;;) {
        struct timespec real = in_ms(CLOCK_REALTIME, below(c, 4)), mono = in_ms(CLOCK_MONOTONIC, below(c, 4));
        int code;
        switch (below(c, 6)) {
        case 0: code = sem_timedwait(s, &real); break;
        case 1: code = sem_clockwait(s, CLOCK_MONOTONIC, &mono); break;
        case 2: code = sem_trywait(s); break;
        default: code = sem_wait(s); break;
        }
        if (code == 0) return;
        if (errno != ETIMEDOUT && errno != EINTR && errno != EAGAIN) FAIL("waiting for a semaphore", errno);
        if (errno == EAGAIN) sched_yield();
    }
}

void gate_make(struct gate *g) {
    *g = (struct gate){.open = false};
    CODE(pthread_mutex_init(&g->lock, NULL));
    CODE(pthread_cond_init(&g->opened, NULL));
}

void gate_open(struct gate *g) {
    CODE(pthread_mutex_lock(&g->lock));
    g->open = true;
    CODE(pthread_cond_broadcast(&g->opened));
    CODE(pthread_mutex_unlock(&g->lock));
}

void gate_wait(struct gate *g, struct chance *c) {
    CODE(pthread_mutex_lock(&g->lock));
    while (!g->open) cond_wait_somehow(&g->opened, &g->lock, CLOCK_REALTIME, c);
    CODE(pthread_mutex_unlock(&g->lock));
}

// ---- in the ring of a channel, whose lock is held -------------------------------------------------------------

enum { PLACES = 4 };

static bool full(struct channel *ch) { return atomic_load(&ch->put) - atomic_load(&ch->got) == PLACES; }
static bool empty(struct channel *ch) { return atomic_load(&ch->put) == atomic_load(&ch->got); }
static void put(struct channel *ch, uint64_t value) { ch->items[atomic_fetch_add(&ch->put, 1) % PLACES] = value; }
static uint64_t get(struct channel *ch) { return ch->items[atomic_fetch_add(&ch->got, 1) % PLACES]; }

void open_nothing(struct channel *ch, struct chance *c) { (void)ch, (void)c; }

void open_monitor(struct channel *ch, struct chance *c) {
    static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ADAPTIVE_NP};
    make_mutex(&ch->lock, types[below(c, 4)]);
    ch->clock = make_cond(&ch->some, c);
    CODE(pthread_cond_init(&ch->space, NULL));
}

void send_monitor(struct channel *ch, uint64_t value, struct chance *c) {
    CODE(pthread_mutex_lock(&ch->lock));
    while (full(ch)) cond_wait_somehow(&ch->space, &ch->lock, CLOCK_REALTIME, c);
    put(ch, value);
    CODE(below(c, 2) ? pthread_cond_signal(&ch->some) : pthread_cond_broadcast(&ch->some));
    pause_maybe(c);
    CODE(pthread_mutex_unlock(&ch->lock));
}

uint64_t receive_monitor(struct channel *ch, struct chance *c) {
    CODE(pthread_mutex_lock(&ch->lock));
    while (empty(ch)) cond_wait_somehow(&ch->some, &ch->lock, ch->clock, c);
    uint64_t value = get(ch);
    CODE(below(c, 2) ? pthread_cond_signal(&ch->space) : pthread_cond_broadcast(&ch->space));
    CODE(pthread_mutex_unlock(&ch->lock));
    return value;
}

void finish_monitor(struct channel *ch, struct chance *c) {
    (void)c;
    CODE(pthread_mutex_lock(&ch->lock));
    ch->finished = true;
    CODE(pthread_cond_signal(&ch->some));
    CODE(pthread_mutex_unlock(&ch->lock));
}

void end_monitor(struct channel *ch, struct chance *c) {
    CODE(pthread_mutex_lock(&ch->lock));
    while (!ch->finished) cond_wait_somehow(&ch->some, &ch->lock, ch->clock, c);
    CODE(pthread_mutex_unlock(&ch->lock));
    CHECK(empty(ch));
    CODE(pthread_cond_destroy(&ch->some));
    CODE(pthread_cond_destroy(&ch->space));
    CODE(pthread_mutex_destroy(&ch->lock));
}

// ---- C11 ------------------------------------------------------------------------------------------------------

#define DONE(call) CHECK((call) == thrd_success)

static void c11_wait(cnd_t *cond, mtx_t *lock, struct chance *c) {
    struct timespec limit = in_ms(CLOCK_REALTIME, below(c, 4));
    int code = below(c, 2) ? cnd_wait(cond, lock) : cnd_timedwait(cond, lock, &limit);
    CHECK(code == thrd_success || code == thrd_timedout);
}

static void c11_lock(struct channel *ch, struct chance *c) {
    for (;;) {
        struct timespec limit = in_ms(CLOCK_REALTIME, below(c, 4));
        int code = below(c, 2) ? mtx_lock(&ch->c11_lock) : mtx_timedlock(&ch->c11_lock, &limit);
        if (code == thrd_success) return;
        CHECK(code == thrd_timedout);
    }
}

void open_c11(struct channel *ch, struct chance *c) {
    (void)c;
    DONE(mtx_init(&ch->c11_lock, mtx_timed));
    DONE(cnd_init(&ch->c11_some));
    DONE(cnd_init(&ch->c11_space));
}

void send_c11(struct channel *ch, uint64_t value, struct chance *c) {
    c11_lock(ch, c);
    while (full(ch)) c11_wait(&ch->c11_space, &ch->c11_lock, c);
    put(ch, value);
    DONE(below(c, 2) ? cnd_signal(&ch->c11_some) : cnd_broadcast(&ch->c11_some));
    pause_maybe(c);
    DONE(mtx_unlock(&ch->c11_lock));
}

uint64_t receive_c11(struct channel *ch, struct chance *c) {
    c11_lock(ch, c);
    while (empty(ch)) c11_wait(&ch->c11_some, &ch->c11_lock, c);
    uint64_t value = get(ch);
    DONE(cnd_signal(&ch->c11_space));
    DONE(mtx_unlock(&ch->c11_lock));
    return value;
}

void finish_c11(struct channel *ch, struct chance *c) {
    c11_lock(ch, c);
    ch->finished = true;
    DONE(cnd_signal(&ch->c11_some));
    DONE(mtx_unlock(&ch->c11_lock));
}

void end_c11(struct channel *ch, struct chance *c) {
    c11_lock(ch, c);
    while (!ch->finished) c11_wait(&ch->c11_some, &ch->c11_lock, c);
    DONE(mtx_unlock(&ch->c11_lock));
    cnd_destroy(&ch->c11_some);
    cnd_destroy(&ch->c11_space);
    mtx_destroy(&ch->c11_lock);
}

// ---- semaphores, a futex --------------------------------------------------------------------------------------

void open_semaphores(struct channel *ch, struct chance *c) {
    int shared = below(c, 4) == 0;
    SYS(sem_init(&ch->filled, shared, 0));
    SYS(sem_init(&ch->emptied, shared, ROOM));
}

void send_semaphores(struct channel *ch, uint64_t value, struct chance *c) {
    sem_take(&ch->emptied, c);
    ch->items[atomic_fetch_add(&ch->put, 1) % ROOM] = value;
    SYS(sem_post(&ch->filled));
}

uint64_t receive_semaphores(struct channel *ch, struct chance *c) {
    sem_take(&ch->filled, c);
    uint64_t value = ch->items[atomic_fetch_add(&ch->got, 1) % ROOM];
    SYS(sem_post(&ch->emptied));
    return value;
}

void send_futex(struct channel *ch, uint64_t value, struct chance *c) {
    unsigned index = atomic_load(&ch->put);
    ch->items[index] = value;
    atomic_store(&ch->put, index + 1);
    (void)c;
    // A waker of either kind reaches a waiter of its own kind only.
    SYS(syscall(SYS_futex, &ch->put, FUTEX_WAKE, 1, NULL, NULL, 0));
    SYS(syscall(SYS_futex, &ch->put, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
}

uint64_t receive_futex(struct channel *ch, struct chance *c) {
    unsigned index = atomic_load(&ch->got);
    while (atomic_load(&ch->put) == index) {
        struct timespec limit = {0, between(c, 1, 3) * 1000000L};
        long code = syscall(SYS_futex, &ch->put, below(c, 2) ? FUTEX_WAIT : FUTEX_WAIT_PRIVATE, index, below(c, 2) ? &limit : NULL, NULL, 0);
        if (code < 0) CHECK(errno == EAGAIN || errno == EINTR || errno == ETIMEDOUT);
    }
    atomic_store(&ch->got, index + 1);
    return ch->items[index];
}
