// A futex in memory that two processes share, each with threads that wait on it.
#include "oracle.h"

#include <linux/futex.h>

struct shared {
    uint32_t turn, moves;
};

static struct shared *shared;

static void *play(void *argument)
{
    uint32_t me = (uint32_t)(uintptr_t)argument;
    for (int i = 0; i < 100; i++) {
        uint32_t now;
        while ((now = __atomic_load_n(&shared->turn, __ATOMIC_SEQ_CST)) != me)
            syscall(SYS_futex, &shared->turn, FUTEX_WAIT, now, NULL, NULL, 0);
        shared->moves++;
        __atomic_store_n(&shared->turn, (me + 1) % 4, __ATOMIC_SEQ_CST);
        MUST(syscall(SYS_futex, &shared->turn, FUTEX_WAKE, INT_MAX, NULL, NULL, 0) >= 0);
    }
    return NULL;
}

static void two_players(uintptr_t first)
{
    pthread_t one = start(play, (void *)first), two = start(play, (void *)(first + 2));
    finish(one);
    finish(two);
}

int main(void)
{
    begin();
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(shared != MAP_FAILED);
    pid_t child = fork();
    if (child == 0) {
        begin();
        two_players(1);
        _exit(0);
    }
    two_players(0);
    say_child("child", child);
    say("moves %u", shared->moves);
    return 0;
}
