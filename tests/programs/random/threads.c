// Threads: how they are made, do their steps, leave and are joined.

#include "carriers.h"
#include <sys/mman.h>

__thread uint64_t steps_done;
__thread uint64_t steps_mark = STEPS_MARK;

static const char *const way_names[WAYS] = {"plain", "attributes", "own stack", "born detached", "detached later", "C11", "C11 detached"};

const char *way_name(enum way way) { return way_names[way]; }

bool way_joins(enum way way) { return way != BORN_DETACHED && way != DETACHED_LATER && way != C11_DETACHED; }

// ---- steps ----------------------------------------------------------------------------------------------------

static uint64_t cross_barrier(struct program *p, uint64_t object) {
    int code = pthread_barrier_wait(&p->barrier[object]);
    if (code != 0 && code != PTHREAD_BARRIER_SERIAL_THREAD) FAIL("pthread_barrier_wait", code);
    if (code != 0) atomic_fetch_add(&p->barrier_leads, 1);
    return object;
}

static uint64_t use_channel(struct thread *me, struct channel *ch, int deed, struct chance *c) {
    uint64_t value = 0;
    if (deed == RECEIVE || deed == END) gate_wait(&ch->ready, c);
    switch (deed) {
    case OPEN:
        ch->carrier->open(ch, c);
        gate_open(&ch->ready);
        break;
    case SEND: ch->carrier->send(ch, me->hash, c); break;
    case RECEIVE: value = ch->carrier->receive(ch, c); break;
    case FINISH: ch->carrier->finish(ch, c); break;
    case END: ch->carrier->end(ch, c); break;
    }
    return value;
}

static uint64_t do_step(struct thread *me, struct step *s) {
    struct program *p = me->program;
    struct chance *c = &s->chance;
    switch (s->deed) {
    case CREATE: start_thread(&p->thread[s->object], c); return s->object;
    case JOIN: return join_thread(&p->thread[s->object], c);
    case SEND_MUCH: return send_much(me, s->object, c);
    case RECEIVE_MUCH: return receive_much(me, s->object, c);
    case GATHER: return gather(me, s->object, c);
    case BARRIER: return cross_barrier(p, s->object);
    case GATE_OPEN: gate_open(&p->gate[s->object]); return s->object;
    case GATE_WAIT: gate_wait(&p->gate[s->object], c); return s->object;
    case OPEN: case SEND: case RECEIVE: case FINISH: case END: return use_channel(me, &p->channel[s->object], s->deed, c);
    default: return alone[s->deed - ALONE].run(me, s->object, c);
    }
}

static const char *deed_name(int deed) {
    static const char *const names[] = {"create", "join", "open", "send", "receive", "send much", "receive much", "gather",
                                        "finish", "end", "barrier", "gate open", "gate wait"};
    return deed < ALONE ? names[deed] : alone[deed - ALONE].name;
}

static void trace(const struct thread *me, int i, const char *when) {
    if (!tracing) return;
    const struct step *s = &me->steps[i];
    bool on_channel = s->deed >= OPEN && s->deed <= END && s->deed != GATHER;
    fprintf(stderr, "%d/%d step %d %s %llx %s %s %016llx\n", me->program->depth, me->index, i, deed_name(s->deed), (unsigned long long)s->object,
            on_channel ? me->program->channel[s->object].carrier->name : "", when, (unsigned long long)me->hash);
}

void run_steps(struct thread *me) {
    for (int i = 0; i < me->count; i++) {
        trace(me, i, "begins");
        CHECK(steps_done == (uint64_t)i && steps_mark == STEPS_MARK + (uint64_t)i);
        CHECK(pthread_equal(pthread_self(), me->id));
        me->hash = fold(me->hash, do_step(me, &me->steps[i]));
        steps_done++, steps_mark++;
        trace(me, i, "done");
        pause_maybe(&me->chance);
    }
}

// ---- making ---------------------------------------------------------------------------------------------------

static void count_clean(void *argument) { atomic_fetch_add(&((struct program *)argument)->cleaned, 1); }

static void leave_cleaning(struct thread *me) {
    pthread_cleanup_push(count_clean, me->program);
    pthread_cleanup_push(count_clean, me->program);
    pthread_exit(me);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
}

static void live(struct thread *me) {
    CHECK(steps_done == 0 && steps_mark == STEPS_MARK);
    CHECK(pthread_getspecific(me->program->leaving) == NULL);
    for (int i = 0; i < KEYS; i++) CHECK(pthread_getspecific(me->program->key[i]) == NULL);
    CODE(pthread_setspecific(me->program->leaving, me));
    me->id = pthread_self();
    gate_open(&me->known);
    run_steps(me);
}

static void *body(void *argument) {
    struct thread *me = argument;
    live(me);
    if (below(&me->chance, 2)) leave_cleaning(me);
    return me;
}

static int c11_body(void *argument) {
    struct thread *me = argument;
    live(me);
    if (below(&me->chance, 2)) thrd_exit((int)(me->hash & 0xffff));
    return (int)(me->hash & 0xffff);
}

static void start_posix(struct thread *t, struct chance *c) {
    enum { STACK = 256 << 10 };
    pthread_attr_t attributes;
    pthread_t id;
    CODE(pthread_attr_init(&attributes));
    if (t->way == BORN_DETACHED) CODE(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED));
    if (t->way == OWN_STACK) {
        void *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        CHECK(stack != MAP_FAILED); // never given back: the thread may be on it a little longer than it can be seen
        CODE(pthread_attr_setstack(&attributes, stack, STACK));
    } else if (below(c, 2)) {
        CODE(pthread_attr_setstacksize(&attributes, (size_t)between(c, 8, 40) << 14));
        CODE(pthread_attr_setguardsize(&attributes, (size_t)below(c, 3) << 12));
    }
    CODE(pthread_create(&id, &attributes, body, t));
    CODE(pthread_attr_destroy(&attributes));
}

void start_thread(struct thread *t, struct chance *c) {
    pthread_t id;
    thrd_t c11;
    switch (t->way) {
    case PLAIN: CODE(pthread_create(&id, NULL, body, t)); break;
    case DETACHED_LATER:
        CODE(pthread_create(&id, NULL, body, t));
        CODE(pthread_detach(id));
        break;
    case C11: CHECK(thrd_create(&c11, c11_body, t) == thrd_success); break;
    case C11_DETACHED:
        CHECK(thrd_create(&c11, c11_body, t) == thrd_success);
        CHECK(thrd_detach(c11) == thrd_success);
        break;
    default: start_posix(t, c); break;
    }
}

// ---- joining --------------------------------------------------------------------------------------------------

static int join_somehow(pthread_t id, void **back, struct chance *c) {
    struct timespec real = in_ms(CLOCK_REALTIME, below(c, 4)), mono = in_ms(CLOCK_MONOTONIC, below(c, 4));
    switch (below(c, 5)) {
    case 0: return pthread_timedjoin_np(id, back, &real);
    case 1: return pthread_clockjoin_np(id, back, CLOCK_MONOTONIC, &mono);
    case 2: sched_yield(); return pthread_tryjoin_np(id, back);
    default: return pthread_join(id, back);
    }
}

uint64_t join_thread(struct thread *t, struct chance *c) {
    void *back = NULL;
    int code;
    gate_wait(&t->known, c);
    if (t->way == C11) {
        CHECK(thrd_join(t->id, &code) == thrd_success && code == (int)(t->hash & 0xffff));
        return t->hash;
    }
    while ((code = join_somehow(t->id, &back, c)) != 0)
        if (code != ETIMEDOUT && code != EBUSY) FAIL("joining", code);
    CHECK(back == t);
    return t->hash;
}

void wait_all_left(struct program *p) {
    CODE(pthread_mutex_lock(&p->left_lock));
    while (p->gone < p->threads - 1) CODE(pthread_cond_wait(&p->all_left, &p->left_lock));
    CODE(pthread_mutex_unlock(&p->left_lock));
}
