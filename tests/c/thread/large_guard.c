// A guard that was asked for is there, however many threads of that size have been made.
#include "oracle.h"

enum { THREADS = 40, GUARD = 1 << 20, SIZE = 128 * 1024 };

static pthread_barrier_t all;

// How many bytes below the stack that `local` lies in nobody may touch.
static size_t guard_below(uintptr_t local)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    MUST(maps);
    uintptr_t from, to, guard = 0;
    char rights[5], line[512];
    while (fgets(line, sizeof line, maps)) {
        MUST(sscanf(line, "%lx-%lx %4s", &from, &to, rights) == 3);
        if (local >= from && local < to)
            break;
        guard = rights[0] == '-' ? to - from : 0;
    }
    MUST(fclose(maps) == 0);
    return guard;
}

static void *look(void *ignored)
{
    (void)ignored;
    char local;
    pthread_barrier_wait(&all);
    return (void *)(intptr_t)(guard_below((uintptr_t)&local) >= GUARD);
}

int main(void)
{
    begin();
    pthread_t threads[THREADS];
    pthread_attr_t attributes;
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setstacksize(&attributes, SIZE) == 0);
    MUST(pthread_attr_setguardsize(&attributes, GUARD) == 0);
    MUST(pthread_barrier_init(&all, NULL, THREADS) == 0);
    for (int i = 0; i < THREADS; i++)
        MUST(pthread_create(&threads[i], &attributes, look, NULL) == 0);
    int guarded = 0;
    for (int i = 0; i < THREADS; i++)
        guarded += finish(threads[i]) != NULL;
    say("%d guarded", guarded);
    return 0;
}
