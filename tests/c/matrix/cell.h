// A cell of the matrix: one call of calls.h in one scenario, in a process of its own.
//
// A program of this folder is one scenario. It runs every row of the table, some at a time, and prints a line for each, in the order of
// the table: what the call came to, or why the scenario does not apply to it. A cell that hangs or dies says so in its line, and the
// program's status says that one did. MATRIX_ROW=symbol in the environment leaves all other rows out.
//
// Two threads meet in a cell: the holder makes the objects and makes the call ready, the waiter makes the call. Either may be foreign: a
// kernel thread that the library did not make green. The waiter may be bound: one that has got a kernel thread of its own. Nothing may be assumed about when the waiter begins to wait; what is sent to it
// once (a cancellation, what it waits for) comes after settle(), and a signal comes again until it was seen.
#ifndef MATRIX_CELL_H
#define MATRIX_CELL_H

#include "oracle.h"

#include <dlfcn.h>
#include <sched.h>
#include <sys/resource.h>

// What is known of a call, so that nothing has to be waited for in vain. Linux is asked all the same: a row that states it wrongly fails
// the bare run.
enum {
    LIMIT_ARGUMENT = 1 << 0,   // a time-out is among its arguments
    LIMIT_RECEIVE = 1 << 1,    // SO_RCVTIMEO limits it
    LIMIT_SEND = 1 << 2,       // SO_SNDTIMEO limits it
    NOW_ARGUMENT = 1 << 3,     // a flag, a zero time-out or another function makes it not wait
    NOW_DESCRIPTOR = 1 << 4,   // O_NONBLOCK makes it not wait
    ENDS = 1 << 5,             // a handler ends it
    ENDS_ANYWAY = 1 << 6,      // a handler installed with SA_RESTART ends it as well
    POINT = 1 << 7,            // a cancellation point
    NUMBER = 1 << 8,           // it returns an error number
    NOT_BEFORE = 1 << 9,       // it cannot be made ready before it waits
    NOT_AGAIN = 1 << 10,       // it can be made once
};

struct row {
    const char *symbol;           // what is called, as the table of preload/src/lib.rs has it
    const char *variant;          // on what or how, where a symbol has more than one row
    void (*prepare)(void);        // makes the objects so that the call waits
    void (*release)(void);        // makes it ready, from the thread that prepared; NULL: nothing does
    long (*call)(long ms);        // the call: for ever (-1), without waiting (0), or for so long
    unsigned traits;
    const char *now;              // the symbol that does not wait, where it is another
};

enum { FOREVER = -1, LIMIT_MS = 40, PATIENCE_MS = 3000, TOGETHER = 16, TEXT = 256 };

static const struct row *row;
static void *target, *target_now; // the functions of the row, whoever defines them
static int the_fd = -1;           // what O_NONBLOCK and the options of sockets go to
static void (*at_end)(void);      // gives back what outlives a process
static bool released;
static char *text;                // what the line of this cell is to say
static volatile sig_atomic_t handled, handled_by_others;

static inline void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline void tell(const char *format, ...)
{
    size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, TEXT - length, format, arguments);
    va_end(arguments);
}

static inline void *find(const char *symbol)
{
    char name[64];
    const char *version = strchr(symbol, '@');
    snprintf(name, sizeof name, "%.*s", (int)strcspn(symbol, "@"), symbol);
    void *found = version ? dlvsym(RTLD_DEFAULT, name, version + strspn(version, "@")) : dlsym(RTLD_DEFAULT, name);
    // What programs link to no more is there under its old version.
    if (!found && !version)
        found = dlvsym(RTLD_DEFAULT, name, "GLIBC_2.2.5");
    if (!found)
        dprintf(STDERR_FILENO, "there is no %s\n", symbol);
    MUST(found);
    return found;
}

// Whatever the waiter does after its call is none of what is looked at.
static inline void calm(void)
{
    int old;
    MUST(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old) == 0);
}

enum kind { USUAL, FOREIGN, BOUND };

struct attempt {
    pthread_t thread;
    long ms, result;
    int error;
    enum kind kind;
    bool cancels_itself, arrived, ended, cleaned;
    long long took;
};

// The attempt that release() may have to wait for.
static struct attempt *current;

static inline bool flag(bool *which)
{
    return __atomic_load_n(which, __ATOMIC_SEQ_CST);
}

static inline void raise_flag(bool *which)
{
    __atomic_store_n(which, true, __ATOMIC_SEQ_CST);
}

static inline void cleaned(void *argument)
{
    struct attempt *attempt = (struct attempt *)argument;
    attempt->cleaned = true;
    raise_flag(&attempt->ended);
}

static inline void *waiter(void *argument)
{
    struct attempt *attempt = (struct attempt *)argument;
    pthread_cleanup_push(cleaned, attempt);
    if (attempt->kind == BOUND)
        MUST(setpriority(PRIO_PROCESS, 0, 1) == 0); // which is one thread's, on Linux
    if (attempt->kind != USUAL) {
        // Bare, every thread's id is the kernel's; under the library a green one's is not.
        long id;
        __asm__ volatile("syscall" : "=a"(id) : "a"(SYS_gettid) : "rcx", "r11", "memory");
        MUST(gettid() == id);
    }
    raise_flag(&attempt->arrived);
    if (attempt->cancels_itself)
        MUST(pthread_cancel(pthread_self()) == 0);
    long long since = now_ns(CLOCK_MONOTONIC);
    errno = 0;
    attempt->result = row->call(attempt->ms);
    attempt->error = errno;
    calm();
    attempt->took = now_ns(CLOCK_MONOTONIC) - since;
    raise_flag(&attempt->ended);
    pthread_cleanup_pop(0);
    return NULL;
}

static inline void begin_attempt(struct attempt *attempt)
{
    current = attempt;
    attempt->thread = attempt->kind == FOREIGN ? start_foreign(waiter, attempt) : start(waiter, attempt);
    while (!flag(&attempt->arrived))
        sleep_ms(1);
}

static inline bool ended_within(struct attempt *attempt, long ms)
{
    long long until = now_ns(CLOCK_MONOTONIC) + ms * 1000000LL;
    while (!flag(&attempt->ended) && now_ns(CLOCK_MONOTONIC) < until)
        sleep_ms(2);
    return flag(&attempt->ended);
}

static inline void release(void)
{
    released = true;
    row->release();
}

// Waits for its end and tells of it; whether it came back.
static inline bool end_attempt(struct attempt *attempt)
{
    void *value = finish(attempt->thread);
    if (value == PTHREAD_CANCELED) {
        tell("cancelled, cleaned up %d", attempt->cleaned);
        return false;
    }
    if (row->traits & NUMBER)
        tell("%s", error_name((int)attempt->result));
    else if (attempt->result == -1)
        tell("-1 %s", error_name(attempt->error));
    else
        tell("%ld", attempt->result);
    return true;
}

static inline void attempt_again(const char *what, long ms)
{
    struct attempt attempt = {.ms = ms};
    tell("%s", what);
    begin_attempt(&attempt);
    end_attempt(&attempt);
}

// Whatever ended the call has taken nothing and left nothing behind.
static inline void works_afterwards(void)
{
    if (released || !row->release || row->traits & NOT_AGAIN)
        return;
    if (row->traits & NOT_BEFORE) {
        struct attempt attempt = {.ms = FOREVER};
        begin_attempt(&attempt);
        settle();
        release();
        tell(", afterwards ");
        end_attempt(&attempt);
        return;
    }
    release();
    attempt_again(", afterwards ", FOREVER);
}

static bool stated_wrongly;

static inline void check_table(bool stated, bool is)
{
    if (stated == is)
        return;
    stated_wrongly = true;
    tell(" (the table states it wrongly)");
}

// What a scenario is to this file: why it does not apply to a row, and the cell.
struct scenario {
    const char *(*lacks)(void);
    void (*run)(void);
};

static inline void run_cell(const struct scenario *scenario)
{
    sigset_t signals;
    begin();
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR2);
    MUST(pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0);
    target = find(row->symbol);
    target_now = row->now ? find(row->now) : NULL;
    finish(start(return_it, NULL)); // the library does something from the second thread on
    scenario->run();
    if (at_end)
        at_end();
    _exit(stated_wrongly);
}

// The status for main to return: a row that hangs or is stated wrongly is no oracle, though it did the same under the library.
static inline int run_rows(const struct scenario *scenario, const struct row *rows, size_t count)
{
    char(*lines)[TEXT] = mmap(NULL, count * TEXT, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t *cells = calloc(count, sizeof *cells);
    MUST(lines != MAP_FAILED && cells);
    const char *only = getenv("MATRIX_ROW");
    size_t running = 0;
    int worst = 0;
    for (size_t next = 0; next < count || running > 0;) {
        if (next < count && running < TOGETHER) {
            row = &rows[next];
            text = lines[next];
            const char *lacks = scenario->lacks();
            if (only && strcmp(only, row->symbol) != 0)
                tell("left out");
            else if (lacks)
                tell("does not apply: %s", lacks);
            else {
                cells[next] = fork();
                MUST(cells[next] >= 0);
                if (cells[next] == 0)
                    run_cell(scenario);
                running++;
            }
            next++;
            continue;
        }
        int status;
        pid_t ended = wait(&status);
        MUST(ended > 0);
        running--;
        for (size_t i = 0; i < next; i++) {
            text = lines[i];
            if (cells[i] != ended)
                continue;
            worst |= status != 0;
            if (WIFSIGNALED(status))
                tell(" ended by signal %d", WTERMSIG(status));
            else if (WEXITSTATUS(status) != 0)
                tell(" ended by exit %d", WEXITSTATUS(status));
        }
    }
    for (size_t i = 0; i < count; i++)
        say("%s%s%s: %s", rows[i].symbol, *rows[i].variant ? ", " : "", rows[i].variant, lines[i]);
    return worst;
}

// The scenarios of more than one program.

static enum kind waiter_is;

static inline const char *lacks_release(void)
{
    return row->release ? NULL : "nothing makes it ready";
}

static inline const char *lacks_nothing(void)
{
    return NULL;
}

static inline const char *lacks_time_out(void)
{
    return row->traits & (LIMIT_ARGUMENT | LIMIT_RECEIVE | LIMIT_SEND) ? NULL : "it has no time-out";
}

static inline void waits(void)
{
    struct attempt attempt = {.ms = FOREVER, .kind = waiter_is};
    row->prepare();
    begin_attempt(&attempt);
    settle();
    tell("waits %d, ", !flag(&attempt.ended));
    release();
    end_attempt(&attempt);
}

static inline void times_out(void)
{
    bool by_argument = (row->traits & LIMIT_ARGUMENT) != 0;
    struct attempt attempt = {.ms = by_argument ? LIMIT_MS : FOREVER, .kind = waiter_is};
    row->prepare();
    int option = row->traits & LIMIT_RECEIVE ? SO_RCVTIMEO : SO_SNDTIMEO;
    if (!by_argument)
        set_timeout(the_fd, option, LIMIT_MS);
    begin_attempt(&attempt);
    end_attempt(&attempt);
    // See say_took_socket.
    long long least = (LIMIT_MS - (by_argument ? 0 : TICK_MS)) * 1000000LL;
    tell("%s", attempt.took < least ? ", too early" : "");
    if (!by_argument)
        set_timeout(the_fd, option, 0); // what comes afterwards takes as long as it takes
    works_afterwards();
}

// In the thread that the signal was sent to, as long as that is there.
static inline void count_it(int unused)
{
    (void)unused;
    bool is_its_own = pthread_equal(pthread_self(), current->thread);
    __atomic_add_fetch(is_its_own ? &handled : &handled_by_others, 1, __ATOMIC_SEQ_CST);
}

// A handler runs while it waits, again and again.
static inline void interrupted_with(int flags)
{
    enum { ENOUGH = 3, PAUSE_MS = 10 };
    bool ends = (row->traits & ENDS_ANYWAY) || (!(flags & SA_RESTART) && row->traits & ENDS);
    struct attempt attempt = {.ms = FOREVER, .kind = waiter_is};
    handle(SIGUSR1, count_it, flags);
    row->prepare();
    begin_attempt(&attempt);
    settle();
    // Some block every signal meanwhile.
    long long until = now_ns(CLOCK_MONOTONIC) + (ends ? PATIENCE_MS : 5 * SETTLE_MS) * 1000000LL;
    while (!flag(&attempt.ended) && now_ns(CLOCK_MONOTONIC) < until && (ends || handled < ENOUGH)) {
        MUST(pthread_kill(attempt.thread, SIGUSR1) == 0);
        ended_within(&attempt, PAUSE_MS);
    }
    bool has_ended = flag(&attempt.ended);
    if (!has_ended && row->release) {
        tell("goes on, ");
        release();
    }
    end_attempt(&attempt);
    tell(", handled %d, by others %d", handled > 0, handled_by_others > 0);
    check_table(ends, has_ended);
    works_afterwards();
}

static inline void cancelled_while_waiting(void)
{
    bool is_point = (row->traits & POINT) != 0;
    struct attempt attempt = {.ms = FOREVER, .kind = waiter_is};
    row->prepare();
    begin_attempt(&attempt);
    settle();
    MUST(pthread_cancel(attempt.thread) == 0);
    bool has_ended = ended_within(&attempt, is_point ? PATIENCE_MS : SETTLE_MS);
    if (!has_ended && row->release) {
        tell("goes on, ");
        release();
    }
    end_attempt(&attempt);
    check_table(is_point, has_ended);
    works_afterwards();
}

#endif
