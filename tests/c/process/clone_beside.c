// clone of a child that has its parent's memory and does not hold it: a process beside the threads, with or without their
// descriptors and handlers, and a kernel thread that libc knows nothing of. It waits, wakes and is woken, closes, sets handlers and
// execs, while the parent's threads go on.
#include "oracle.h"

#include <linux/futex.h>
#include <sched.h>

enum { STACK = 1 << 17, OWN_FIRST = 990, OWN_LAST = 1100 };

static __thread int local = 7;
static struct others others;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t to_parent, to_child;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool go, gone;
static int word, initialised;
static int ends[2], counter, seen;
static volatile int handled;
static volatile pid_t ended;

static void *stack_end(void)
{
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    MUST(stack != MAP_FAILED);
    return stack + STACK;
}

static void free_stack(void *end)
{
    MUST(munmap((char *)end - STACK, STACK) == 0);
}

static void on_signal(int signal_number)
{
    handled += signal_number;
}

// Waits for bytes, for time, for a semaphore, for a mutex that threads use; wakes who waits for it.
static int waits(void *status)
{
    char byte;
    if (read(ends[0], &byte, 1) != 1 || byte != 'w')
        return 90;
    seen = local;
    struct timespec span = span_ms(10);
    int before = __atomic_load_n(&others.ran, __ATOMIC_SEQ_CST);
    for (int i = 0; __atomic_load_n(&others.ran, __ATOMIC_SEQ_CST) - before < 3; i++) {
        if (i == 500)
            return 91;
        nanosleep(&span, NULL);
    }
    if (sem_post(&to_parent) != 0 || sem_wait(&to_child) != 0)
        return 92;
    for (int i = 0; i < 2000; i++) {
        if (pthread_mutex_lock(&mutex) != 0)
            return 93;
        counter++;
        if (i % 100 == 0)
            sched_yield();
        if (pthread_mutex_unlock(&mutex) != 0)
            return 94;
    }
    pthread_mutex_lock(&mutex);
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    if (getppid() == getpid() || gettid() != getpid())
        return 95;
    return (int)(intptr_t)status;
}

static void *counts(void *unused)
{
    for (int i = 0; i < 2000; i++) {
        MUST(pthread_mutex_lock(&mutex) == 0);
        counter++;
        MUST(pthread_mutex_unlock(&mutex) == 0);
        if (i % 50 == 0)
            usleep(10);
    }
    return unused;
}

static void *waits_for_cond(void *unused)
{
    MUST(pthread_mutex_lock(&mutex) == 0);
    MUST(sem_post(&to_parent) == 0);
    MUST(pthread_cond_wait(&cond, &mutex) == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

static void beside_threads(int flags)
{
    void *stack = stack_end();
    local = 8;
    counter = 0;
    pthread_t waiter = start(waits_for_cond, NULL);
    MUST(sem_wait(&to_parent) == 0);
    pid_t child = clone(waits, stack, flags | SIGCHLD, (void *)6);
    MUST(child > 0);
    usleep(2000);
    MUST(write(ends[1], "w", 1) == 1);
    MUST(sem_wait(&to_parent) == 0);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = start(counts, NULL);
    MUST(sem_post(&to_child) == 0);
    for (int i = 0; i < 3; i++)
        finish(threads[i]);
    finish(waiter);
    say_child("waits", child);
    say("counted %d, saw %d", counter, seen);
    free_stack(stack);
}

static void *read_byte(void *fd)
{
    char byte = 0;
    MUST(sem_post(&to_parent) == 0);
    MUST(read((int)(intptr_t)fd, &byte, 1) == 1);
    return (void *)(intptr_t)byte;
}

static int opened;

// Closes what a thread of the parent reads from, and what the library may have; opens and copies.
static int closes(void *unused)
{
    (void)unused;
    int failed = 0;
    for (int fd = OWN_FIRST; fd <= OWN_LAST; fd++)
        failed += close(fd) == -1 && errno == EBADF;
    if (failed != OWN_LAST - OWN_FIRST + 1)
        return 80;
    static int turn;
    if ((turn++ % 2 ? (int)syscall(SYS_close, ends[0]) : close(ends[0])) != 0)
        return 81;
    opened = open("/dev/null", O_RDONLY);
    return opened < 0 ? 82 : 5;
}

static void with_descriptors(int flags)
{
    void *stack = stack_end();
    int mine[2] = {ends[0], ends[1]};
    MUST(pipe(ends) == 0);
    pthread_t reader = start(read_byte, (void *)(intptr_t)ends[0]);
    MUST(sem_wait(&to_parent) == 0);
    settle();
    opened = -1;
    pid_t child = clone(closes, stack, flags | SIGCHLD, NULL);
    MUST(child > 0);
    say_child("closes", child);
    say("closed here too: %d", fcntl(ends[0], F_GETFD) == -1 || ends[0] == opened);
    if (!(flags & CLONE_VM))
        opened = ends[0]; // it is the lowest free number
    say("opened here too: %d", opened >= 0 && (flags & CLONE_FILES) && fcntl(opened, F_GETFD) != -1);
    MUST(write(ends[1], "x", 1) == 1);
    if ((flags & CLONE_VM) || !(flags & CLONE_FILES))
        say("the reader got %c", (int)(intptr_t)finish(reader));
    if (flags & CLONE_FILES)
        MUST(close(opened) == 0);
    else
        MUST(close(ends[0]) == 0);
    MUST(close(ends[1]) == 0);
    ends[0] = mine[0];
    ends[1] = mine[1];
    // The reactor is what it was.
    reader = start(read_byte, (void *)(intptr_t)ends[0]);
    MUST(sem_wait(&to_parent) == 0);
    MUST(write(ends[1], "y", 1) == 1);
    say("and then %c", (int)(intptr_t)finish(reader));
    free_stack(stack);
}

static void initialise(void)
{
    struct timespec span = span_ms(20);
    nanosleep(&span, NULL);
    initialised++;
}

// A condition that the parent signals, and one signalled back; a futex; what is done once.
static int waits_for_threads(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    sem_post(&to_parent);
    while (!go)
        if (pthread_cond_wait(&cond, &mutex) != 0)
            return 60;
    gone = true;
    pthread_cond_broadcast(&cond);
    struct timespec soon = in_ms(CLOCK_REALTIME, 30);
    int status = 0;
    while (go && status == 0)
        status = pthread_cond_timedwait(&cond, &mutex, &soon);
    pthread_mutex_unlock(&mutex);
    if (status != ETIMEDOUT)
        return 61;
    if (syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) != 0 && errno != EAGAIN)
        return 62;
    __atomic_store_n(&word, 2, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0);
    pthread_once(&once, initialise);
    return initialised == 1 ? 3 : 63;
}

static void *does_once(void *unused)
{
    MUST(pthread_once(&once, initialise) == 0 && initialised == 1);
    return unused;
}

static void wait_for_each_other(int flags)
{
    void *stack = stack_end();
    go = gone = false;
    word = initialised = 0;
    once = (pthread_once_t)PTHREAD_ONCE_INIT;
    pid_t child = clone(waits_for_threads, stack, flags | SIGCHLD, NULL);
    MUST(child > 0);
    MUST(sem_wait(&to_parent) == 0);
    MUST(pthread_mutex_lock(&mutex) == 0);
    go = true;
    MUST(pthread_cond_signal(&cond) == 0);
    while (!gone)
        MUST(pthread_cond_wait(&cond, &mutex) == 0);
    MUST(pthread_mutex_unlock(&mutex) == 0);
    sleep_ms(5);
    __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0);
    while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 1)
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = start(does_once, NULL);
    for (int i = 0; i < 3; i++)
        finish(threads[i]);
    say_child("waits for threads", child);
    free_stack(stack);
}

// libc's conditions do not outlive one who is killed there.
static pthread_cond_t forlorn;

// Killed while it waits for what a thread has: nothing of it is left.
static int waits_in_vain(void *unused)
{
    (void)unused;
    sem_post(&to_parent);
    pthread_mutex_lock(&mutex);
    return 0;
}

static int waits_in_vain_too(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    sem_post(&to_parent);
    for (;;)
        pthread_cond_wait(&forlorn, &mutex);
    return 0;
}

static void killed(void)
{
    for (int how = 0; how < 2; how++) {
        void *stack = stack_end();
        MUST(pthread_cond_init(&forlorn, NULL) == 0);
        if (how == 0)
            MUST(pthread_mutex_lock(&mutex) == 0);
        pid_t child = clone(how ? waits_in_vain_too : waits_in_vain, stack, CLONE_VM | SIGCHLD, NULL);
        MUST(child > 0);
        MUST(sem_wait(&to_parent) == 0);
        sleep_ms(10);
        if (how == 1)
            MUST(pthread_mutex_lock(&mutex) == 0);
        MUST(kill(child, SIGKILL) == 0);
        say_child("killed", child);
        free_stack(stack);
        MUST(pthread_mutex_unlock(&mutex) == 0);
        MUST(pthread_cond_signal(&forlorn) == 0);
        finish(start(counts, NULL));
    }
    say("and nothing is left of it");
}

static int handles(void *unused)
{
    (void)unused;
    struct sigaction action = {.sa_handler = on_signal}, old;
    if (sigaction(SIGUSR1, NULL, &old) != 0 || old.sa_handler != SIG_DFL)
        return 70;
    if (sigaction(SIGUSR1, &action, &old) != 0 || kill(getpid(), SIGUSR1) != 0)
        return 71;
    for (int i = 0; handled != SIGUSR1 && i < 1000; i++)
        usleep(1000);
    if (handled != SIGUSR1)
        return 72;
    if (sigaction(SIGUSR1, NULL, &old) != 0 || old.sa_handler != on_signal)
        return 73;
    // What the parent handles, the child does.
    if (kill(getpid(), SIGUSR2) != 0)
        return 74;
    for (int i = 0; handled != SIGUSR1 + SIGUSR2 && i < 1000; i++)
        usleep(1000);
    return handled == SIGUSR1 + SIGUSR2 ? 4 : 75;
}

static void with_handlers(int flags)
{
    void *stack = stack_end();
    struct sigaction now;
    handled = 0;
    handle(SIGUSR2, on_signal, 0);
    pid_t child = clone(handles, stack, flags | SIGCHLD, NULL);
    MUST(child > 0);
    say_child("handles", child);
    MUST(sigaction(SIGUSR1, NULL, &now) == 0);
    say("handled here too: %d", now.sa_handler == on_signal);
    handled = 0;
    if (now.sa_handler == on_signal) {
        MUST(raise(SIGUSR1) == 0);
        say("%d", handled == SIGUSR1);
    }
    handle(SIGUSR1, SIG_DFL, 0);
    free_stack(stack);
}

static int execs(void *unused)
{
    execl("/bin/sh", "sh", "-c", "exit 9", (char *)NULL);
    return unused == NULL;
}

static int endless(void *unused)
{
    for (;;)
        pause();
    return unused != NULL;
}

static void ends_by(void)
{
    void *stack = stack_end(), *other = stack_end();
    pid_t child = clone(execs, stack, CLONE_VM | SIGCHLD, NULL);
    MUST(child > 0);
    say_child("exec", child);
    child = clone(endless, other, CLONE_VM | SIGCHLD, NULL);
    MUST(child > 0);
    usleep(3000);
    MUST(kill(child, SIGKILL) == 0);
    say_child("killed", child);
    free_stack(stack);
    free_stack(other);
}

// One after the other, and several at once.
static int brief(void *count)
{
    __atomic_add_fetch((int *)count, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static void many(void)
{
    enum { AT_ONCE = 5 };
    int count = 0;
    for (int i = 0; i < 20; i++) {
        void *stacks[AT_ONCE];
        pid_t children[AT_ONCE];
        for (int j = 0; j < AT_ONCE; j++) {
            stacks[j] = stack_end();
            children[j] = clone(brief, stacks[j], CLONE_VM | CLONE_FS | SIGCHLD, &count);
            MUST(children[j] > 0);
        }
        for (int j = 0; j < AT_ONCE; j++) {
            int status;
            MUST(waitpid(children[j], &status, 0) == children[j] && status == 0);
            free_stack(stacks[j]);
        }
    }
    say("many: %d", count);
}

static int is_thread(void *unused)
{
    (void)unused;
    char byte;
    if (read(ends[0], &byte, 1) == 1 && byte == 'w')
        counter = 1;
    seen = local;
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    sem_post(&to_parent);
    return 0;
}

static void kernel_thread(void)
{
    enum { FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM };
    void *stack = stack_end();
    counter = 0;
    local = 9;
    ended = 1;
    int id = clone(is_thread, stack, FLAGS | CLONE_CHILD_CLEARTID, NULL, NULL, NULL, (pid_t *)&ended);
    MUST(id > 0);
    usleep(2000);
    MUST(write(ends[1], "w", 1) == 1);
    MUST(sem_wait(&to_parent) == 0);
    for (pid_t now; (now = ended) != 0;)
        syscall(SYS_futex, &ended, FUTEX_WAIT, now, NULL, NULL, 0);
    say("kernel thread: %d, saw %d", counter, seen);
    free_stack(stack);
}

static void *body(void *unused)
{
    say("waits:");
    beside_threads(CLONE_VM);
    beside_threads(CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND);
    say("descriptors, its own:");
    with_descriptors(CLONE_VM);
    say("shared, with the memory:");
    with_descriptors(CLONE_VM | CLONE_FILES);
    with_descriptors(CLONE_VM | CLONE_FILES);
    say("shared, with the memory, held:");
    with_descriptors(CLONE_VM | CLONE_FILES | CLONE_VFORK);
    say("handlers:");
    with_handlers(CLONE_VM);
    with_handlers(CLONE_VM | CLONE_SIGHAND);
    say("each other:");
    wait_for_each_other(CLONE_VM);
    wait_for_each_other(CLONE_VM | CLONE_FILES);
    killed();
    ends_by();
    many();
    kernel_thread();
    return unused;
}

int main(void)
{
    begin();
    MUST(pipe(ends) == 0 && sem_init(&to_parent, 0, 0) == 0 && sem_init(&to_child, 0, 0) == 0);
    others_begin(&others);
    finish(start(body, NULL));
    say("in main:");
    body(NULL);
    others_end(&others);
    return 0;
}
