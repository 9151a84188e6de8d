// fork from a thread: in the child that thread is the first one. It keeps its variables, its keys, its stack, and may return,
// leave by pthread_exit, or call exit.
#include "oracle.h"

static __thread int mine;
static pthread_key_t key;

static void destroyed(void *what)
{
    say("key: %s", (char *)what);
}

static void *grand_thread(void *unused)
{
    say("a thread of the child: mine %d, key %d", mine, pthread_getspecific(key) != NULL);
    return unused;
}

static void *forker(void *how)
{
    mine = 42;
    MUST(pthread_setspecific(key, "destroyed in the child") == 0);
    pid_t child = fork();
    if (child == 0) {
        begin();
        say("child: first thread: %d, mine %d, key %d", gettid() == getpid(), mine, pthread_getspecific(key) != NULL);
        finish(start(grand_thread, NULL));
        switch ((intptr_t)how) {
        case 0: exit(3);
        case 1: _exit(4);
        case 2: pthread_exit(NULL);
        default: return NULL;
        }
    }
    say_child("child", child);
    MUST(pthread_setspecific(key, NULL) == 0);
    return NULL;
}

static void *parked(void *unused)
{
    sleep(100);
    return unused;
}

int main(void)
{
    begin();
    MUST(pthread_key_create(&key, destroyed) == 0);
    start(parked, NULL);
    for (intptr_t how = 0; how < 4; how++)
        finish(start(forker, (void *)how));
    return 0;
}
