// What the programs that are made from a seed share: failing with the seed's name, chance, pauses.
//
// A program that includes this defines `seed` and sets it first. A failed call of libc is a failure of the run: nothing is
// retried but what POSIX says may be interrupted. Chance decides what is done and when, never what comes of it, so nothing here
// may be assumed to take any particular time.
#ifndef SEEDED_H
#define SEEDED_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern uint64_t seed;

// ---- failing --------------------------------------------------------------------------------------------------

static inline void fail(const char *what, const char *file, int line, long value) {
    const char *base = strrchr(file, '/');
    printf("seed %llu: %s:%d: %s: %ld (%s)\n", (unsigned long long)seed, base ? base + 1 : file, line, what, value, strerror((int)value));
    fflush(stdout);
    _exit(1);
}

#define FAIL(what, value) fail(what, __FILE__, __LINE__, value)

// For the pthread family, which returns its error, for the rest, which leave it in errno, and for those a signal may interrupt.
#define CODE(call) do { int code_ = (call); if (code_ != 0) FAIL(#call, code_); } while (0)
#define SYS(call) ({ long value_ = (call); if (value_ < 0) FAIL(#call, errno); value_; })
#define AGAIN(call) ({ long again_; while ((again_ = (call)) < 0 && errno == EINTR) continue; if (again_ < 0) FAIL(#call, errno); again_; })
#define CHECK(fact) do { if (!(fact)) FAIL("not so: " #fact, 0); } while (0)

// ---- chance ---------------------------------------------------------------------------------------------------

struct chance { uint64_t state; };

static inline uint64_t mixed(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline uint64_t next(struct chance *c) { return mixed(c->state += 0x9e3779b97f4a7c15u); }

static inline int below(struct chance *c, int limit) { return (int)(next(c) % (uint64_t)limit); }

static inline int between(struct chance *c, int low, int high) { return low + below(c, high - low + 1); }

// ---- time -----------------------------------------------------------------------------------------------------

static inline void compute(int turns) {
    for (volatile int i = 0; i < turns; i++) continue;
}

// What a thread does between two steps: mostly nothing.
static inline void pause_maybe(struct chance *c) {
    switch (below(c, 40)) {
    case 0: usleep((useconds_t)below(c, 400)); break;
    case 1: case 2: sched_yield(); break;
    case 3: compute(below(c, 20000)); break;
    case 4: { struct timespec t = {0, below(c, 200000)}; nanosleep(&t, NULL); break; }
    case 5: if (poll(NULL, 0, below(c, 2)) < 0) CHECK(errno == EINTR); break;
    default: break;
    }
}

static inline struct timespec in_ms(clockid_t clock, int ms) {
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += ms * 1000000L;
    t.tv_sec += t.tv_nsec / 1000000000L;
    t.tv_nsec %= 1000000000L;
    return t;
}

// ---- mutexes --------------------------------------------------------------------------------------------------

static inline void make_mutex(pthread_mutex_t *mutex, int type) {
    pthread_mutexattr_t attributes;
    CODE(pthread_mutexattr_init(&attributes));
    CODE(pthread_mutexattr_settype(&attributes, type));
    CODE(pthread_mutex_init(mutex, &attributes));
    CODE(pthread_mutexattr_destroy(&attributes));
}

#endif
