// Signals: as channels, to oneself, and from timers.
//
// Every signal used here is blocked in every thread, from main's first step on; a thread that handles one lets it through for a
// channel of its own, and any call of that thread may be interrupted from then on. A signal to the process is awaited by one
// thread. Handlers do what POSIX lets them do and keep errno.

#include "carriers.h"
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>

struct channel *_Atomic handled[65];
static __thread volatile int caught; // libc says that pthread_sigmask calls nobody back
static __thread volatile bool on_alternate;
static __thread stack_t alternate;

int timer_signal(void) { return SIGRTMIN + 1; }
int first_channel_signal(void) { return SIGRTMIN + 3; }
int channel_signals(void) { return SIGRTMAX - first_channel_signal() - 1; }

static sigset_t used_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    for (int n = SIGRTMIN; n < SIGRTMAX; n++) sigaddset(&set, n);
    sigaddset(&set, SIGALRM);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    return set;
}

void block_signals(void) {
    sigset_t set = used_signals();
    CODE(pthread_sigmask(SIG_SETMASK, &set, NULL));
}

static sigset_t only(int number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    return set;
}

sigset_t mask_without(int number) {
    sigset_t mask;
    CODE(pthread_sigmask(SIG_BLOCK, NULL, &mask));
    sigdelset(&mask, number);
    return mask;
}

void listen_to(struct channel *ch, bool open) {
    sigset_t set = only(ch->number);
    CODE(pthread_sigmask(open ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL));
    ch->listening = open;
}

// ---- handlers -------------------------------------------------------------------------------------------------

static void on_channel(int number, siginfo_t *info, void *context) {
    (void)context;
    int saved = errno;
    struct channel *ch = atomic_load(&handled[number]);
    ch->items[atomic_fetch_add(&ch->put, 1)] = (uint64_t)(uintptr_t)info->si_value.sival_ptr;
    if (ch->in >= 0) (void)!write(ch->in, "", 1);
    else sem_post(&ch->filled);
    errno = saved;
}

static void on_self(int number) {
    char here;
    caught += number == SIGUSR1 ? 1 : 100;
    on_alternate = alternate.ss_sp && &here >= (char *)alternate.ss_sp && &here < (char *)alternate.ss_sp + alternate.ss_size;
}

static void install(int number, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    SYS(sigaction(number, &action, NULL));
}

void install_handlers(void) {
    install(SIGUSR1, on_self, SA_RESTART | SA_ONSTACK);
    install(SIGUSR2, on_self, 0);
    install(SIGPIPE, SIG_IGN, 0);
}

// ---- channels -------------------------------------------------------------------------------------------------

static union sigval payload(uint64_t value) { return (union sigval){.sival_ptr = (void *)(uintptr_t)value}; }

void send_signal(struct channel *ch, uint64_t value, struct chance *c) {
    int code;
    gate_wait(&ch->to->known, c);
    while ((code = pthread_sigqueue(ch->to->id, ch->number, payload(value))) == EAGAIN) sleep_us(100); // the kernel's queue is full
    CODE(code);
}

void send_process_signal(struct channel *ch, uint64_t value, struct chance *c) {
    (void)c;
    while (sigqueue(getpid(), ch->number, payload(value)) < 0) {
        CHECK(errno == EAGAIN);
        sleep_us(100);
    }
}

uint64_t await_signal(struct channel *ch, struct chance *c) {
    sigset_t set = only(ch->number);
    for (;;) {
        siginfo_t info;
        struct timespec limit = {0, below(c, 4) * 1000000L};
        int number = below(c, 3) ? sigwaitinfo(&set, &info) : sigtimedwait(&set, &info, &limit);
        if (number == ch->number) return (uint64_t)(uintptr_t)info.si_value.sival_ptr;
        CHECK(number < 0 && (errno == EINTR || errno == EAGAIN));
    }
}

// Half of them tell by a semaphore, half by a pipe.
void open_handled(struct channel *ch, struct chance *c) {
    int ends[2];
    if (below(c, 2)) {
        SYS(pipe(ends));
        ch->out = ends[0], ch->in = ends[1];
    }
    SYS(sem_init(&ch->filled, 0, 0));
    atomic_store(&handled[ch->number], ch);
    struct sigaction action = {.sa_sigaction = on_channel, .sa_flags = SA_SIGINFO | (below(c, 2) ? SA_RESTART : 0)};
    SYS(sigaction(ch->number, &action, NULL));
}

uint64_t receive_handled(struct channel *ch, struct chance *c) {
    char byte;
    if (!ch->listening && below(c, 4) == 0) { // let through for the moment of the wait
        sigset_t open = mask_without(ch->number);
        struct timespec limit = {0, below(c, 3) * 1000000L};
        while (atomic_load(&ch->put) == atomic_load(&ch->got)) {
            if (below(c, 2)) sigsuspend(&open);
            else ppoll(NULL, 0, &limit, &open);
        }
    } else if (!ch->listening) {
        listen_to(ch, true);
    }
    if (ch->in >= 0) CHECK(AGAIN(read(ch->out, &byte, 1)) == 1);
    else sem_take(&ch->filled, c);
    return ch->items[atomic_fetch_add(&ch->got, 1)];
}

void end_handled(struct channel *ch, struct chance *c) {
    (void)c;
    listen_to(ch, false);
    if (ch->in < 0) return;
    SYS(close(ch->in));
    SYS(close(ch->out));
}

// ---- to oneself -----------------------------------------------------------------------------------------------

static void send_self(int number, struct chance *c) {
    switch (below(c, 3)) {
    case 0: CODE(pthread_kill(pthread_self(), number)); break;
    case 1: SYS(syscall(SYS_tgkill, getpid(), gettid(), number)); break;
    default: CHECK(raise(number) == 0); break;
    }
}

static void have_alternate(bool on) {
    if (on) alternate = (stack_t){.ss_sp = malloc(65536), .ss_size = 65536};
    else free(alternate.ss_sp), alternate = (stack_t){.ss_flags = SS_DISABLE};
    SYS(sigaltstack(&alternate, NULL));
    if (!on) alternate.ss_sp = NULL;
}

// Both signals pending, then taken as the mask opens: by sigsuspend, by pthread_sigmask, by sigwait.
uint64_t on_signals(struct thread *me, uint64_t object, struct chance *c) {
    (void)me, (void)object;
    sigset_t both = only(SIGUSR1), pending, old;
    sigaddset(&both, SIGUSR2);
    bool apart = below(c, 2);
    if (apart) have_alternate(true);
    caught = 0, on_alternate = false;
    int number = below(c, 2) ? SIGUSR1 : SIGUSR2, taken = 0;
    send_self(number, c);
    if (below(c, 2)) send_self(number, c); // it is pending already
    SYS(sigpending(&pending));
    CHECK(sigismember(&pending, number) && caught == 0);
    switch (below(c, 3)) {
    case 0: {
        sigset_t open = mask_without(number);
        while (caught == 0) CHECK(sigsuspend(&open) < 0 && errno == EINTR); // or by another, which a channel handles
        break;
    }
    case 1:
        CODE(pthread_sigmask(SIG_UNBLOCK, &both, &old));
        CHECK(caught != 0);
        send_self(number == SIGUSR1 ? SIGUSR2 : SIGUSR1, c);
        CODE(pthread_sigmask(SIG_SETMASK, &old, NULL));
        CHECK(caught == 101);
        break;
    default: CODE(sigwait(&both, &taken)); break;
    }
    if (apart) {
        if (caught == 1) CHECK(on_alternate);
        have_alternate(false);
    }
    SYS(sigpending(&pending));
    CHECK(!sigismember(&pending, SIGUSR1) && !sigismember(&pending, SIGUSR2));
    return (uint64_t)(caught + taken);
}

// ---- from timers ----------------------------------------------------------------------------------------------

static void expired(union sigval value) { sem_post(value.sival_ptr); }

static struct itimerspec soon(struct chance *c) { return (struct itimerspec){.it_value.tv_nsec = between(c, 1, 3000000)}; }

static uint64_t by_timerfd(struct chance *c) {
    uint64_t count = 0;
    int fd = (int)SYS(timerfd_create(below(c, 2) ? CLOCK_MONOTONIC : CLOCK_REALTIME, below(c, 3) ? 0 : TFD_NONBLOCK));
    struct itimerspec t = soon(c);
    SYS(timerfd_settime(fd, 0, &t, NULL));
    read_all(fd, &count, sizeof count, c);
    SYS(close(fd));
    return count;
}

static uint64_t await_timer(int number, void *value) {
    sigset_t set = only(number);
    siginfo_t info;
    CHECK(AGAIN(sigwaitinfo(&set, &info)) == number);
    if (value) CHECK(info.si_value.sival_ptr == value);
    return (uint64_t)number;
}

static uint64_t by_timer(struct program *p, struct chance *c) {
    static sem_t done; // static: the library's thread may be inside sem_post when it is waited for
    timer_t timer;
    struct itimerspec t = soon(c);
    int way = p->depth > 0 ? 0 : below(c, 10);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = timer_signal(), .sigev_value.sival_ptr = &timer};
    if (way == 1) event.sigev_notify = SIGEV_THREAD_ID, event._sigev_un._tid = gettid();
    if (way > 7) {
        SYS(sem_init(&done, 0, 0));
        event.sigev_notify = SIGEV_THREAD, event.sigev_notify_function = expired, event.sigev_notify_attributes = NULL;
        event.sigev_value.sival_ptr = &done;
    }
    SYS(timer_create(below(c, 2) ? CLOCK_MONOTONIC : CLOCK_REALTIME, &event, &timer));
    SYS(timer_settime(timer, 0, &t, NULL));
    if (way > 7) sem_take(&done, c);
    else await_timer(timer_signal(), &timer);
    SYS(timer_delete(timer));
    return (uint64_t)(way > 7);
}

static uint64_t by_alarm(struct chance *c) {
    struct itimerval v = {.it_value.tv_usec = between(c, 1, 3000)};
    SYS(setitimer(ITIMER_REAL, &v, NULL));
    return await_timer(SIGALRM, NULL);
}

uint64_t on_timers(struct thread *me, uint64_t object, struct chance *c) {
    (void)object;
    if (below(c, 2)) return by_timerfd(c);
    CODE(pthread_mutex_lock(&me->program->clock_lock));
    uint64_t seen = below(c, 3) ? by_timer(me->program, c) : by_alarm(c);
    CODE(pthread_mutex_unlock(&me->program->clock_lock));
    return seen;
}
