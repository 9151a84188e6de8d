// The lowest free number stays free while threads compute, are held by the kernel and close under others: nobody but the program
// opens anything.
#include "oracle.h"

#include <linux/futex.h>

enum { LOOKS_MS = 400, COMPANY = 6 };

static bool over;

static bool is_over(void)
{
    return __atomic_load_n(&over, __ATOMIC_SEQ_CST);
}

// Looks at the number all the time; for the library it computes, or is inside a call.
static void *watch(void *number)
{
    static long taken[2];
    long *mine = &taken[(intptr_t)number < 0];
    int fd = abs((int)(intptr_t)number);
    while (!is_over())
        for (int i = 0; i < 1000; i++)
            *mine += fcntl(fd, F_GETFD) != -1;
    return mine;
}

// Held in the kernel, where the library does not see it.
static void *sleep_inside(void *unused)
{
    while (!is_over()) {
        struct timespec turn = span_ms(15);
        syscall(SYS_nanosleep, &turn, NULL);
    }
    return unused;
}

// Asks for what the library reads from /proc.
static void *ask(void *unused)
{
    static int word = 1;
    sigset_t pending;
    while (!is_over()) {
        MUST(sigpending(&pending) == 0);
        MUST(syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL) == -1 && errno == EAGAIN);
        sleep_ms(1);
    }
    return unused;
}

int main(void)
{
    begin();
    int lowest = dup(STDIN_FILENO);
    MUST(lowest >= 0 && close(lowest) == 0);
    struct others others = {0};
    pthread_t company[COMPANY], watches[2];
    others_begin(&others);
    for (int i = 0; i < COMPANY; i++)
        company[i] = start(i < 2 ? ask : sleep_inside, NULL);
    for (int i = 0; i < 2; i++)
        watches[i] = start(watch, (void *)(intptr_t)(i ? -lowest : lowest));
    sleep_ms(LOOKS_MS);
    __atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
    long taken = 0;
    for (int i = 0; i < 2; i++)
        taken += *(long *)finish(watches[i]);
    for (int i = 0; i < COMPANY; i++)
        finish(company[i]);
    others_end(&others);
    say("the lowest number was %s", taken ? "taken now and then" : "always free");
    return 0;
}
