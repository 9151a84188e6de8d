// The plan: who does what, in an order in which it could be done by one thread. See program.h for why that is enough.

#include "program.h"

struct plan {
    struct program *p;
    struct chance chance;
    bool live[THREADS_MOST];
    bool open[CHANNELS_MOST];
    int most_threads, signals, first_signal;
};

static void add(struct plan *plan, struct thread *t, int deed, uint64_t object) {
    CHECK(t->count < STEPS_MOST);
    t->steps[t->count++] = (struct step){deed, object, {next(&plan->chance)}};
}

static struct thread *any_live(struct plan *plan, const struct thread *but) {
    for (;;) {
        int i = below(&plan->chance, plan->p->threads);
        if (plan->live[i] && &plan->p->thread[i] != but) return &plan->p->thread[i];
    }
}

static int live_count(const struct plan *plan) {
    int count = 0;
    for (int i = 0; i < plan->p->threads; i++) count += plan->live[i];
    return count;
}

// ---- threads --------------------------------------------------------------------------------------------------

static struct thread *new_thread(struct plan *plan, enum way way) {
    struct program *p = plan->p;
    struct thread *t = &p->thread[p->threads];
    *t = (struct thread){.program = p, .index = p->threads, .way = way, .chance = {next(&plan->chance)}};
    t->steps = malloc(STEPS_MOST * sizeof *t->steps);
    t->hash = fold(p->seed, (uint64_t)p->threads);
    gate_make(&t->known);
    plan->live[p->threads++] = true;
    return t;
}

static void plan_create(struct plan *plan, struct thread *me) {
    if (plan->p->threads == plan->most_threads) return;
    struct thread *t = new_thread(plan, (enum way)below(&plan->chance, WAYS));
    add(plan, me, CREATE, (uint64_t)t->index);
}

static void plan_close(struct plan *plan, int index);

static void plan_leave(struct plan *plan, struct thread *t) {
    for (int i = 0; i < plan->p->channels; i++) {
        struct channel *ch = &plan->p->channel[i];
        if (plan->open[i] && (ch->from == t || ch->to == t)) plan_close(plan, i);
    }
    plan->live[t->index] = false;
    if (way_joins(t->way)) add(plan, any_live(plan, t), JOIN, (uint64_t)t->index);
}

// ---- channels -------------------------------------------------------------------------------------------------

static void plan_open(struct plan *plan, struct thread *from) {
    struct program *p = plan->p;
    if (p->channels == CHANNELS_MOST || live_count(plan) < 2) return;
    const struct carrier *carrier = &carriers[below(&plan->chance, carrier_count())];
    if (p->depth > 0 && !carrier->in_child) return;
    if (carrier->signal && plan->signals == channel_signals()) return;
    struct channel *ch = &p->channel[p->channels];
    *ch = (struct channel){.carrier = carrier, .from = from, .to = any_live(plan, from), .in = -1, .out = -1, .listener = -1};
    if (carrier->signal) ch->number = first_channel_signal() + plan->signals++;
    gate_make(&ch->ready);
    plan->open[p->channels] = true;
    add(plan, from, OPEN, (uint64_t)p->channels++);
}

static void plan_send(struct plan *plan, int index) {
    struct channel *ch = &plan->p->channel[index];
    if (ch->sent == SENDS_MOST || ch->waiting == ch->carrier->most) return;
    ch->sent++, ch->waiting++;
    add(plan, ch->from, SEND, (uint64_t)index);
}

static void plan_receive(struct plan *plan, int index) {
    struct channel *ch = &plan->p->channel[index];
    if (ch->waiting == 0) return;
    ch->waiting--;
    add(plan, ch->to, RECEIVE, (uint64_t)index);
}

static void drain(struct plan *plan, int index) {
    while (plan->p->channel[index].waiting > 0) plan_receive(plan, index);
}

// More than fits between the two: they are in it at the same time, so nothing else may be on its way.
static void plan_much(struct plan *plan, int index) {
    if (!plan->p->channel[index].carrier->stream) return;
    drain(plan, index);
    add(plan, plan->p->channel[index].from, SEND_MUCH, (uint64_t)index);
    add(plan, plan->p->channel[index].to, RECEIVE_MUCH, (uint64_t)index);
}

static void plan_close(struct plan *plan, int index) {
    struct channel *ch = &plan->p->channel[index];
    add(plan, ch->from, FINISH, (uint64_t)index);
    drain(plan, index);
    add(plan, ch->to, END, (uint64_t)index);
    plan->open[index] = false;
}

// One message from each of several channels, in the order in which they come.
static void plan_gather(struct plan *plan, struct thread *me) {
    uint64_t set = 0;
    for (int i = 0; i < plan->p->channels; i++) {
        struct channel *ch = &plan->p->channel[i];
        if (!plan->open[i] || ch->to != me || ch->waiting == 0 || !ch->carrier->waits || below(&plan->chance, 4) == 0) continue;
        ch->waiting--;
        set |= 1ull << i;
    }
    if (set) add(plan, me, GATHER, set);
}

static void plan_traffic(struct plan *plan) {
    if (plan->p->channels == 0) return;
    int index = below(&plan->chance, plan->p->channels);
    if (!plan->open[index]) return;
    switch (below(&plan->chance, 20)) {
    case 0: plan_close(plan, index); break;
    case 1: plan_much(plan, index); break;
    case 2: case 3: plan_gather(plan, plan->p->channel[index].to); break;
    case 4: case 5: case 6: case 7: case 8: plan_receive(plan, index); break;
    default: plan_send(plan, index); break;
    }
}

// ---- all together ---------------------------------------------------------------------------------------------

static void plan_barrier(struct plan *plan) {
    struct program *p = plan->p;
    int members[THREADS_MOST], count = 0;
    if (p->barriers == BARRIERS_MOST) return;
    for (int i = 0; i < p->threads; i++)
        if (plan->live[i] && below(&plan->chance, 3)) members[count++] = i;
    if (count == 0) return;
    CODE(pthread_barrier_init(&p->barrier[p->barriers], NULL, (unsigned)count));
    for (int round = between(&plan->chance, 1, 3); round > 0; round--)
        for (int i = 0; i < count; i++) add(plan, &p->thread[members[i]], BARRIER, (uint64_t)p->barriers);
    p->barriers++;
}

static void plan_gate(struct plan *plan, struct thread *opener) {
    struct program *p = plan->p;
    if (p->gates == GATES_MOST) return;
    gate_make(&p->gate[p->gates]);
    add(plan, opener, GATE_OPEN, (uint64_t)p->gates);
    for (int i = 0; i < p->threads; i++)
        if (plan->live[i] && below(&plan->chance, 2)) add(plan, &p->thread[i], GATE_WAIT, (uint64_t)p->gates);
    p->gates++;
}

static void plan_alone(struct plan *plan, struct thread *me) {
    int total = 0;
    for (int i = 0; i < alone_count(); i++) total += plan->p->depth == 0 || alone[i].in_child ? alone[i].weight : 0;
    int chosen = below(&plan->chance, total);
    for (int i = 0; i < alone_count(); i++) {
        if (plan->p->depth > 0 && !alone[i].in_child) continue;
        if ((chosen -= alone[i].weight) < 0) {
            add(plan, me, ALONE + i, 0);
            return;
        }
    }
}

static void plan_step(struct plan *plan) {
    struct thread *me = any_live(plan, NULL);
    int chosen = below(&plan->chance, 100);
    if (chosen < 8) plan_create(plan, me);
    else if (chosen < 16) plan_open(plan, me);
    else if (chosen < 64) plan_traffic(plan);
    else if (chosen < 66) plan_barrier(plan);
    else if (chosen < 68) plan_gate(plan, me);
    else if (chosen < 70 && me->index != 0) plan_leave(plan, me);
    else plan_alone(plan, me);
}

void plan_program(struct program *p) {
    struct plan plan = {.p = p, .chance = {p->seed}};
    plan.most_threads = p->depth == 0 ? between(&plan.chance, 2, THREADS_MOST) : between(&plan.chance, 1, 4);
    int steps = p->depth == 0 ? between(&plan.chance, 20, 200) : between(&plan.chance, 5, 25);
    new_thread(&plan, PLAIN);
    for (int i = between(&plan.chance, 0, plan.most_threads - 1); i > 0; i--) plan_create(&plan, &p->thread[0]);
    for (int i = 0; i < steps; i++) plan_step(&plan);
    while (live_count(&plan) > 1) {
        struct thread *t = any_live(&plan, &p->thread[0]);
        plan_leave(&plan, t);
    }
}
