// A thread ends, or is cancelled, inside a handler: of a signal and of a fault, on its own stack and on an alternate one. The
// unwinding goes through the handler's frame and what it interrupted.
#include "oracle.h"

enum { SIZE = 64 * 1024 };

static char *page;
static bool cancels;
static sem_t inside;

static void clean(void *what)
{
    say("cleanup: %s", (const char *)what);
}

static void handler(int unused)
{
    (void)unused;
    pthread_cleanup_push(clean, "in the handler");
    if (cancels) {
        MUST(sem_post(&inside) == 0);
        for (;;)
            usleep(1000000);
    }
    pthread_exit((void *)5);
    pthread_cleanup_pop(0);
}

static void *body(void *how)
{
    stack_t alternate = {.ss_size = SIZE};
    alternate.ss_sp = malloc(SIZE);
    MUST(alternate.ss_sp && sigaltstack(&alternate, NULL) == 0);
    pthread_cleanup_push(free, alternate.ss_sp);
    pthread_cleanup_push(clean, "in the thread");
    if (how)
        *(volatile char *)page = 1;
    else
        MUST(raise(SIGUSR1) == 0);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

int main(void)
{
    begin();
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(page != MAP_FAILED && sem_init(&inside, 0, 0) == 0);
    for (int flags = 0; flags < 2; flags++)
        for (int how = 0; how < 2; how++)
            for (int by = 0; by < 2; by++) {
                handle(SIGUSR1, handler, flags ? SA_ONSTACK : 0);
                handle(SIGSEGV, handler, flags ? SA_ONSTACK : 0);
                cancels = by;
                pthread_t thread = start(body, (void *)(intptr_t)how);
                if (by) {
                    while (sem_wait(&inside) != 0)
                        MUST(errno == EINTR);
                    MUST(pthread_cancel(thread) == 0);
                }
                void *value = finish(thread);
                say("%s, %s: %s", flags ? "alternate stack" : "own stack", how ? "fault" : "signal",
                    value == PTHREAD_CANCELED ? "cancelled" : value == (void *)5 ? "ended" : "?");
            }
    return 0;
}
