// Every thread begins with its __thread variables as initialised, on a stack of its own or one that was used before.
#include "oracle.h"

static __thread int zero;
static __thread int seven = 7;
static __thread char text[16] = "as initialised";
static __thread long table[64] = {[3] = 3, [63] = -1};
static __thread _Alignas(64) char aligned[64];

static void *look_and_spoil(void *fresh)
{
    long others = 0;
    for (int i = 0; i < 64; i++)
        others += table[i];
    *(int *)fresh = zero == 0 && seven == 7 && strcmp(text, "as initialised") == 0 && table[3] == 3 && table[63] == -1 &&
                    others == 2 && aligned[0] == 0 && (uintptr_t)aligned % 64 == 0;
    zero = 99;
    seven = 99;
    strcpy(text, "spoilt");
    for (int i = 0; i < 64; i++)
        table[i] = 99;
    memset(aligned, 99, sizeof aligned);
    sched_yield();
    return NULL;
}

int main(void)
{
    begin();
    int fresh[300], count = 0;
    seven = 1;
    for (int i = 0; i < 200; i++) {
        finish(start(look_and_spoil, &fresh[i]));
        count += fresh[i];
    }
    say("one after the other: %d of 200 fresh", count);
    pthread_t threads[100];
    for (int i = 0; i < 100; i++)
        threads[i] = start(look_and_spoil, &fresh[200 + i]);
    count = 0;
    for (int i = 0; i < 100; i++) {
        finish(threads[i]);
        count += fresh[200 + i];
    }
    say("together: %d of 100 fresh", count);
    say("main's: %d %d", zero, seven);
    return 0;
}
