// Many threads that are alive at once, of two stack sizes: each has its own variables, its own errno, locale tables, resolver
// state and stack, knows itself, and comes back with its value; a fork among them finds itself alone and makes as many again.
#include "oracle.h"

#include <ctype.h>
#include <resolv.h>

enum { COUNT = 60 };

static __thread int own = 5;
static __thread char blank[200];
static sem_t arrived, go;
static pthread_t threads[COUNT];

static void *live(void *argument)
{
    intptr_t n = (intptr_t)argument;
    char here[3000];
    int wrong = own != 5 || errno != 0;
    for (size_t i = 0; i < sizeof blank; i++)
        wrong += blank[i] != 0;
    own = (int)n;
    errno = (int)n + 1;
    memset(blank, (int)n, sizeof blank);
    memset(here, (int)n, sizeof here);
    _res.retrans = (int)n + 100;
    MUST(sem_post(&arrived) == 0);
    MUST(sem_wait(&go) == 0);
    wrong += own != (int)n || errno != (int)n + 1 || _res.retrans != (int)n + 100 || !isalpha('x') || toupper('y') != 'Y';
    for (size_t i = 0; i < sizeof blank; i++)
        wrong += blank[i] != (char)n;
    for (size_t i = 0; i < sizeof here; i++)
        wrong += here[i] != (char)n;
    wrong += !pthread_equal(pthread_self(), threads[n]);
    char *grown = malloc(5000);
    MUST(grown);
    free(grown);
    return (void *)(intptr_t)(wrong ? -1 : n * 3);
}

static int live_all(size_t stack)
{
    pthread_attr_t attr;
    int wrong = 0;
    MUST(pthread_attr_init(&attr) == 0);
    MUST(pthread_attr_setstacksize(&attr, stack) == 0);
    for (intptr_t i = 0; i < COUNT; i++)
        MUST(pthread_create(&threads[i], &attr, live, (void *)i) == 0);
    for (int i = 0; i < COUNT; i++)
        MUST(sem_wait(&arrived) == 0);
    for (int i = 0; i < COUNT; i++)
        MUST(sem_post(&go) == 0);
    for (intptr_t i = 0; i < COUNT; i++)
        wrong += (intptr_t)finish(threads[i]) != i * 3;
    MUST(pthread_attr_destroy(&attr) == 0);
    return wrong;
}

static void *sleep_on(void *unused)
{
    pause();
    return unused;
}

static void *forks(void *unused)
{
    pid_t child = fork();
    int status;
    if (child == 0) {
        begin();
        _exit(live_all(256 * 1024) + live_all(128 * 1024));
    }
    MUST(waitpid(child, &status, 0) == child);
    say("child: %d", status);
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);
    say("wrong: %d", live_all(256 * 1024));
    say("wrong: %d", live_all(128 * 1024));
    pthread_t held[COUNT];
    for (int i = 0; i < COUNT; i++)
        held[i] = start(sleep_on, NULL);
    finish(start(forks, NULL));
    for (int i = 0; i < COUNT; i++) {
        MUST(pthread_cancel(held[i]) == 0);
        finish(held[i]);
    }
    say("wrong: %d", live_all(256 * 1024));
    return 0;
}
