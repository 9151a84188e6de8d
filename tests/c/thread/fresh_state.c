// What libc keeps for each thread is new in each: the tables of the process's locale as it is now, the resolver's state, h_errno and
// the last error of dlopen. So it is in threads that have others' stacks, and in those that are made beside many.
#include "oracle.h"

#include <ctype.h>
#include <dlfcn.h>
#include <locale.h>
#include <netdb.h>
#include <resolv.h>

enum { MANY = 40 };

static pthread_barrier_t all;
static const unsigned short *table;
static int strange;

static void look(void)
{
    bool is_new = *__ctype_b_loc() == table && !(_res.options & RES_INIT) && h_errno == 0 && !dlerror();
    __atomic_add_fetch(&strange, !is_new, __ATOMIC_SEQ_CST);
}

static void *leave_traces(void *wait)
{
    look();
    MUST(res_init() == 0);
    h_errno = TRY_AGAIN;
    MUST(!dlopen("/there/is/none", RTLD_NOW));
    if (wait)
        pthread_barrier_wait(&all);
    return NULL;
}

static void many(int n)
{
    pthread_t threads[2 * MANY];
    MUST(pthread_barrier_init(&all, NULL, (unsigned)n + 1) == 0);
    for (int i = 0; i < n; i++)
        threads[i] = start(leave_traces, &all);
    pthread_barrier_wait(&all);
    for (int i = 0; i < n; i++)
        finish(threads[i]);
    MUST(pthread_barrier_destroy(&all) == 0);
    say("%d: %d strange", n, strange);
}

int main(void)
{
    begin();
    table = *__ctype_b_loc();
    for (int i = 0; i < 3; i++)
        finish(start(leave_traces, NULL));
    many(MANY);
    MUST(setlocale(LC_ALL, "C.UTF-8"));
    table = *__ctype_b_loc();
    many(2 * MANY);
    return 0;
}
