// A random program: what it consists of, and what its files know of one another.
//
// Why the outcome is known though the order of steps is not. The plan (plan.c) is made before the first thread runs, as one list
// of steps for the whole program; each step is appended to the list of the thread that will do it. A thread does its list from
// top to bottom. Whatever a step waits for (a message, a barrier, a gate, an end) is given by steps that stand before it in the
// whole list, and nobody else can take it away: a channel has one sender and one receiver. So no order of execution can block
// for good, and each receive gets the one message that was meant for it, whose contents follow from what its sender did
// before. What many threads touch in any order (sums under locks) is added up, which does not depend on the order.
//
// A step may hold a lock only while it waits for what needs no other step; locks are taken in the order of their indices.
// Nothing here may depend on the time something takes, on ids, addresses or descriptor numbers.
#ifndef RANDOM_PROGRAM_H
#define RANDOM_PROGRAM_H

#include "../seeded.h"
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/types.h>
#include <threads.h>

enum {
    THREADS_MOST = 12, CHANNELS_MOST = 32, STEPS_MOST = 900, SENDS_MOST = 64, ROOM = 8,
    LOCKS = 6, RWLOCKS = 2, ONCES = 4, KEYS = 3, GATES_MOST = 8, BARRIERS_MOST = 8, HELPERS_MOST = 6,
};

struct program;
struct thread;
struct channel;

// ---- steps ----------------------------------------------------------------------------------------------------

enum deed {
    CREATE, JOIN, OPEN, SEND, RECEIVE, SEND_MUCH, RECEIVE_MUCH, GATHER, FINISH, END, BARRIER, GATE_OPEN, GATE_WAIT,
    ALONE, // from here on: steps that need no other thread of the plan
};

struct step { int deed; uint64_t object; struct chance chance; };

// Does the step and returns what it came to, which goes into the thread's hash.
typedef uint64_t doing(struct thread *me, uint64_t object, struct chance *c);

struct alone { const char *name; doing *run; int weight; bool in_child; };

extern const struct alone alone[];
int alone_count(void);

// ---- threads --------------------------------------------------------------------------------------------------

// Opened once, by one thread, for any number of others.
struct gate { pthread_mutex_t lock; pthread_cond_t opened; bool open; };

enum way { PLAIN, ATTRIBUTES, OWN_STACK, BORN_DETACHED, DETACHED_LATER, C11, C11_DETACHED, WAYS };

struct thread {
    struct program *program;
    int index, count;
    enum way way;
    struct step *steps;
    uint64_t hash;
    pthread_t id;       // written by the thread itself
    struct gate known;  // open when `id` is written
    struct chance chance;
};

// ---- channels -------------------------------------------------------------------------------------------------

struct carrier {
    const char *name;
    int most;     // messages that may be on their way at a time, by plan
    bool stream;  // takes any number of bytes
    bool waits;   // its receiving descriptor can be polled
    bool crowd;   // several threads may send and receive at the same time
    bool signal;  // takes a signal number
    bool in_child; // may be used by the child of a fork
    void (*open)(struct channel *, struct chance *);
    void (*send)(struct channel *, uint64_t, struct chance *);
    uint64_t (*receive)(struct channel *, struct chance *);
    void (*finish)(struct channel *, struct chance *); // by the sender: the last thing that it does with it
    void (*end)(struct channel *, struct chance *);    // by the receiver, after the last message
};

extern const struct carrier carriers[];
int carrier_count(void);

struct channel {
    const struct carrier *carrier;
    struct thread *from, *to; // NULL in a crowd
    int sent, waiting;        // of the plan: messages in all, and on their way
    struct gate ready;
    int in, out, listener;    // descriptors: written to, read from
    FILE *writer, *reader;
    uint64_t items[SENDS_MOST];
    atomic_uint put, got;
    sem_t filled, emptied;
    pthread_mutex_t lock;
    pthread_cond_t some, space;
    clockid_t clock;
    mtx_t c11_lock;
    cnd_t c11_some, c11_space;
    int number;               // a signal
    bool finished, listening; // `listening`: the receiver lets the signal through
};

// ---- programs -------------------------------------------------------------------------------------------------

struct program {
    uint64_t seed;
    int depth;
    int threads, channels, gates, barriers;
    struct thread thread[THREADS_MOST];
    struct channel channel[CHANNELS_MOST];
    struct gate gate[GATES_MOST];
    pthread_barrier_t barrier[BARRIERS_MOST];
    atomic_int barrier_leads;

    pthread_mutex_t lock[LOCKS];
    uint64_t sum[LOCKS];
    int lock_kind[LOCKS];
    pthread_rwlock_t rwlock[RWLOCKS];
    uint64_t left[RWLOCKS], right[RWLOCKS];
    pthread_once_t once[ONCES];
    atomic_int once_calls[ONCES];
    pthread_key_t key[KEYS], leaving;
    atomic_ullong keyed;
    atomic_int cleaned;
    pthread_mutex_t clock_lock; // who uses the process's alarm and its signals

    pthread_mutex_t left_lock;
    pthread_cond_t all_left;
    int gone;
};

uint64_t run_program(uint64_t seed, int depth);
void plan_program(struct program *p);
void make_objects(struct program *p);
void run_steps(struct thread *t);
void start_thread(struct thread *t, struct chance *c);
uint64_t join_thread(struct thread *t, struct chance *c);
void wait_all_left(struct program *p);
const char *way_name(enum way way);
bool way_joins(enum way way);

// ---- what several files use -----------------------------------------------------------------------------------

extern bool tracing;
extern char own_path[];
extern __thread uint64_t steps_done;
extern __thread uint64_t steps_mark;
enum { STEPS_MARK = 0x5eed };

static inline uint64_t fold(uint64_t hash, uint64_t value) { return mixed(hash ^ (value + 0x9e3779b97f4a7c15u)); }

void gate_make(struct gate *g);
void gate_open(struct gate *g);
void gate_wait(struct gate *g, struct chance *c);
int cond_wait_somehow(pthread_cond_t *cond, pthread_mutex_t *lock, clockid_t clock, struct chance *c);
void sem_take(sem_t *s, struct chance *c);
void sleep_us(long us);
clockid_t make_cond(pthread_cond_t *cond, struct chance *c);

void wait_ready(int fd, short events, struct chance *c);
void wait_any(const int *fds, int count, bool *ready, struct chance *c);
void write_all(int fd, const void *bytes, size_t length, bool split, struct chance *c);
void read_all(int fd, void *bytes, size_t length, struct chance *c);
bool at_end(int fd, struct chance *c);

enum { ALTERNATE = 0, PLAINLY = 1 };
int timer_signal(void);
int first_channel_signal(void);
int channel_signals(void);
void block_signals(void);
void listen_to(struct channel *ch, bool open);
sigset_t mask_without(int number);
extern struct channel *_Atomic handled[65];
void install_handlers(void);
uint64_t on_signals(struct thread *me, uint64_t object, struct chance *c);
uint64_t on_timers(struct thread *me, uint64_t object, struct chance *c);

doing with_locks, with_rwlock, with_timeouts, with_errors, with_key, with_once, with_descriptors, with_sleep, with_binding;
doing with_crowd, with_cancel, with_helpers, with_shutdown;
doing with_fork, with_program;
void cancel_once(void);
int be_leaf(char **arguments);

#endif
