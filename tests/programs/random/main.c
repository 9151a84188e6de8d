// A random program of threads, made from a seed, whose outcome the seed alone decides.
//
//   random_program SEED [trace]
//
// Prints a line for each thread with the hash of all that it did and was told, then the sums of what they shared, and exits 0;
// or says what was not as it must be and exits 1. A run bare and one under the library print the same. `trace` tells of each
// step on stderr as it begins and ends. How it can be the same every time stands in program.h; the plan in plan.c.
// The process ends itself when it has not ended after 50 s, since what it looks for hangs.

#include "program.h"
#include <sys/resource.h>

uint64_t seed;
bool tracing;
char own_path[4096];

const struct alone alone[] = {
    {"locks", with_locks, 24, true},       {"rwlock", with_rwlock, 12, true},    {"sleep", with_sleep, 8, true},
    {"timeouts", with_timeouts, 10, true}, {"errors", with_errors, 8, true},     {"key", with_key, 8, true},
    {"once", with_once, 6, true},          {"descriptors", with_descriptors, 12, true},
    {"signals", on_signals, 8, true},      {"timers", on_timers, 6, true},       {"crowd", with_crowd, 5, false},
    {"cancel", with_cancel, 8, true},      {"helpers", with_helpers, 5, true},   {"shutdown", with_shutdown, 5, true},
    {"fork", with_fork, 3, false},         {"program", with_program, 3, false},  {"binding", with_binding, 1, false},
};

int alone_count(void) { return (int)(sizeof alone / sizeof *alone); }

static void die_if_late(void) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    struct itimerspec late = {.it_value.tv_sec = 50};
    SYS(timer_create(CLOCK_MONOTONIC, &event, &timer));
    SYS(timer_settime(timer, 0, &late, NULL));
}

static uint64_t show(const char *name, uint64_t value, uint64_t hash, bool visible) {
    if (visible) printf("%s: %016llx\n", name, (unsigned long long)value);
    return fold(hash, value);
}

static uint64_t outcome(struct program *p) {
    bool visible = p->depth == 0;
    uint64_t hash = 0;
    for (int i = 0; i < p->threads; i++) {
        struct thread *t = &p->thread[i];
        if (visible) printf("thread %d, %s, %d steps: %016llx\n", i, way_name(t->way), t->count, (unsigned long long)t->hash);
        hash = fold(hash, t->hash);
    }
    for (int i = 0; i < LOCKS; i++) hash = show("lock", p->sum[i], hash, visible);
    for (int i = 0; i < RWLOCKS; i++) hash = show("rwlock", p->left[i] ^ p->right[i], hash, visible);
    for (int i = 0; i < ONCES; i++) hash = show("once", (uint64_t)p->once_calls[i], hash, visible);
    hash = show("keys", p->keyed, hash, visible);
    hash = show("cleaned", (uint64_t)p->cleaned, hash, visible);
    return show("barriers", (uint64_t)p->barrier_leads, hash, visible);
}

// Its objects are never given back: a detached thread may be inside one when it is counted as gone.
uint64_t run_program(uint64_t from, int depth) {
    struct program *p = calloc(1, sizeof *p);
    p->seed = from, p->depth = depth;
    die_if_late();
    make_objects(p);
    plan_program(p);
    steps_done = 0, steps_mark = STEPS_MARK;
    p->thread[0].id = pthread_self();
    gate_open(&p->thread[0].known);
    run_steps(&p->thread[0]);
    wait_all_left(p);
    return outcome(p);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "leaf") == 0) return be_leaf(argv);
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: random_program SEED [trace]\n");
        return 2;
    }
    seed = strtoull(argv[1], NULL, 10);
    tracing = argc == 3;
    own_path[SYS(readlink("/proc/self/exe", own_path, sizeof own_path - 1))] = 0;
    block_signals();
    install_handlers();
    cancel_once();
    printf("seed %llu: %016llx\n", (unsigned long long)seed, (unsigned long long)run_program(mixed(seed), 0));
    return 0;
}
