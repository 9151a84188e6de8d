// More threads compute than there are CPUs, none of them with a call. Whoever sleeps, waits or serves meanwhile goes on in time, and
// those that are interrupted for it find everything as it was: registers, flags, what lies below the stack pointer, errno, masks.
// They can be cancelled and sent signals wherever they are, also while they wait to go on.
#include "oracle.h"
#include <setjmp.h>
#include <stdatomic.h>
#include <ucontext.h>

enum { SPINNERS = 12, SPAN = 150 };

static volatile bool stop;
static atomic_int running;

static void *spin(void *unused)
{
    atomic_fetch_add(&running, 1);
    while (!stop)
        ;
    return unused;
}

static void begin_spinning(pthread_t threads[SPINNERS])
{
    stop = false;
    atomic_store(&running, 0);
    for (int i = 0; i < SPINNERS; i++)
        threads[i] = start(spin, NULL);
}

static void end_spinning(pthread_t threads[SPINNERS])
{
    stop = true;
    for (int i = 0; i < SPINNERS; i++)
        finish(threads[i]);
}

static long long ms_since(struct timespec since)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - since.tv_sec) * 1000LL + (now.tv_nsec - since.tv_nsec) / 1000000;
}

static struct timespec now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time;
}

// What a serving thread answers must not wait for all that compute.
static void *answer(void *pair)
{
    int *ends = pair;
    char byte;
    while (read(ends[0], &byte, 1) == 1)
        MUST(write(ends[1], &byte, 1) == 1);
    return NULL;
}

static void served(void)
{
    pthread_t spinners[SPINNERS];
    int there[2], back[2];
    MUST(pipe(there) == 0 && pipe(back) == 0);
    int ends[2] = {there[0], back[1]};
    pthread_t server = start(answer, ends);
    begin_spinning(spinners);
    struct timespec begun = now();
    char byte = 'x';
    for (int i = 0; i < 10; i++) {
        MUST(usleep(10000) == 0);
        MUST(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1);
    }
    say("ten answers and sleeps beside %d spinners: in time %d", SPINNERS, ms_since(begun) < 3000);
    end_spinning(spinners);
    close(there[1]);
    finish(server);
}

// A sum over every kind of register that a compiler uses, the same each time.
typedef double four __attribute__((vector_size(32)));

__attribute__((noinline)) static unsigned long leaf(unsigned long x)
{
    volatile unsigned long below[12];
    for (int i = 0; i < 12; i++)
        below[i] = x * (unsigned long)(i + 3);
    unsigned long sum = 0;
    for (int i = 0; i < 12; i++)
        sum = sum * 31 + below[i];
    return sum;
}

static unsigned long mix(void)
{
    unsigned long a = 1, b = 2, c = 3, d = 4, e = 5;
    four v = {1.5, 2.5, 3.5, 4.5};
    double x = 1.0;
    long double y = 1.0L;
    for (int i = 1; i < 60000; i++) {
        a += b ^ (c << 3);
        b = leaf(b + a);
        c = (c >> 1) + d * e;
        d += (unsigned long)(a > b) + e;
        e ^= a + b + c;
        v = v * 1.0000001 + (four){(double)(i & 7), 1.0, 2.0, 3.0};
        x = x * 1.0000003 + 0.25;
        y = y * 1.0000001L + 0.125L;
        errno = (int)(a & 0xff);
        if (errno != (int)(a & 0xff))
            return 0;
    }
    return a ^ b ^ c ^ d ^ e ^ (unsigned long)(v[0] + v[1] + v[2] + v[3]) ^ (unsigned long)x ^ (unsigned long)(y * 1000);
}

static unsigned long expected;

static void *compute(void *wrong)
{
    struct timespec begun = now();
    while (ms_since(begun) < SPAN)
        if (mix() != expected)
            atomic_fetch_add((atomic_int *)wrong, 1);
    return NULL;
}

static void registers(void)
{
    atomic_int wrong = 0;
    pthread_t spinners[SPINNERS], computers[8];
    expected = mix();
    begin_spinning(spinners);
    for (int i = 0; i < 8; i++)
        computers[i] = start(compute, &wrong);
    for (int i = 0; i < 8; i++)
        finish(computers[i]);
    end_spinning(spinners);
    say("sums that came out wrong: %d", atomic_load(&wrong));
}

// The smallest stack, and one of its own making.
static ucontext_t main_context, own_context;

static void on_own_stack(void)
{
    struct timespec begun = now();
    unsigned long sum = 0;
    while (ms_since(begun) < SPAN)
        sum += leaf(sum);
    swapcontext(&own_context, &main_context);
}

static void *with_own_stack(void *unused)
{
    static char stack[64 * 1024];
    MUST(getcontext(&own_context) == 0);
    own_context.uc_stack.ss_sp = stack;
    own_context.uc_stack.ss_size = sizeof stack;
    own_context.uc_link = &main_context;
    makecontext(&own_context, on_own_stack, 0);
    MUST(swapcontext(&main_context, &own_context) == 0);
    return unused;
}

static void stacks(void)
{
    atomic_int wrong = 0;
    pthread_t spinners[SPINNERS], small[4];
    pthread_attr_t attributes;
    MUST(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN) == 0);
    begin_spinning(spinners);
    for (int i = 0; i < 4; i++)
        MUST(pthread_create(&small[i], &attributes, compute, &wrong) == 0);
    pthread_t own = start(with_own_stack, NULL);
    for (int i = 0; i < 4; i++)
        finish(small[i]);
    finish(own);
    end_spinning(spinners);
    say("on small stacks, wrong: %d", atomic_load(&wrong));
}

// Handlers run in the midst of it, some leave by a jump, and the mask stays the thread's.
static atomic_int handled;
static __thread sigjmp_buf out;
static __thread volatile sig_atomic_t may_jump;

static void on_signal(int signo)
{
    atomic_fetch_add(&handled, 1);
    if (signo == SIGUSR2 && may_jump)
        siglongjmp(out, 1);
}

static void *jump_about(void *jumps)
{
    while (atomic_load((atomic_int *)jumps) < 4) {
        if (sigsetjmp(out, 1) != 0)
            atomic_fetch_add((atomic_int *)jumps, 1);
        may_jump = 1;
        for (volatile int i = 0; i < 300000; i++)
            ;
        may_jump = 0;
        sigset_t mask;
        MUST(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0);
        MUST(!sigismember(&mask, SIGUSR1) && !sigismember(&mask, SIGUSR2) && sigismember(&mask, SIGHUP));
    }
    return NULL;
}

static void signals(void)
{
    pthread_t spinners[SPINNERS], jumper;
    atomic_int jumps = 0;
    struct sigaction action = {.sa_handler = on_signal};
    MUST(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGUSR2, &action, NULL) == 0);
    sigset_t hup;
    sigemptyset(&hup);
    sigaddset(&hup, SIGHUP);
    MUST(pthread_sigmask(SIG_BLOCK, &hup, NULL) == 0);
    begin_spinning(spinners);
    jumper = start(jump_about, &jumps);
    for (int sent = 0; atomic_load(&jumps) < 4; sent++) {
        MUST(pthread_kill(jumper, sent % 2 == 0 ? SIGUSR1 : SIGUSR2) == 0);
        MUST(pthread_kill(spinners[sent % SPINNERS], SIGUSR1) == 0);
        sleep_ms(2);
    }
    finish(jumper);
    end_spinning(spinners);
    say("handlers ran: %d, jumps: %d", atomic_load(&handled) >= 4, atomic_load(&jumps) >= 4);
}

static void *spin_for_ever(void *unused)
{
    MUST(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL) == 0);
    atomic_fetch_add(&running, 1);
    for (;;)
        ;
    return unused;
}

static void cancelled(void)
{
    pthread_t threads[SPINNERS];
    atomic_store(&running, 0);
    for (int i = 0; i < SPINNERS; i++)
        threads[i] = start(spin_for_ever, NULL);
    while (atomic_load(&running) < SPINNERS)
        sleep_ms(1);
    int gone = 0;
    for (int i = 0; i < SPINNERS; i++) {
        void *value;
        MUST(pthread_cancel(threads[i]) == 0 && pthread_join(threads[i], &value) == 0);
        gone += value == PTHREAD_CANCELED;
    }
    say("cancelled while they computed: %d", gone);
}

// A child has its own, and its threads compute as well.
static void *fork_and_compute(void *unused)
{
    pid_t child = fork();
    if (child == 0) {
        pthread_t spinners[SPINNERS];
        begin_spinning(spinners);
        struct timespec begun = now();
        sleep_ms(50);
        bool in_time = ms_since(begun) < 2000;
        end_spinning(spinners);
        _exit(in_time ? 7 : 1);
    }
    int status;
    MUST(child > 0 && waitpid(child, &status, 0) == child);
    say("in a child: %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    return unused;
}

int main(void)
{
    begin();
    served();
    registers();
    stacks();
    signals();
    cancelled();
    pthread_t spinners[SPINNERS];
    begin_spinning(spinners);
    finish(start(fork_and_compute, NULL));
    end_spinning(spinners);
    return 0;
}
