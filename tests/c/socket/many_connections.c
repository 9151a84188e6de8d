// Three hundred connections open at once, a thread each, all parked; then bytes arrive in an order nobody expects.
#include "oracle.h"

enum { COUNT = 300 };

static int ours[COUNT], theirs[COUNT];
static int sum, parked;

static void *reader(void *slot)
{
    unsigned char byte = 0;
    __atomic_add_fetch(&parked, 1, __ATOMIC_SEQ_CST);
    MUST(recv(theirs[(intptr_t)slot], &byte, 1, 0) == 1);
    MUST(byte == (intptr_t)slot % 251);
    __atomic_add_fetch(&sum, byte, __ATOMIC_SEQ_CST);
    MUST(send(theirs[(intptr_t)slot], &byte, 1, 0) == 1);
    return NULL;
}

int main(void)
{
    begin();
    static pthread_t threads[COUNT];
    int listener = tcp_listener(COUNT), expected = 0, right = 0;
    for (int i = 0; i < COUNT; i++) {
        ours[i] = tcp_connect(port_of(listener));
        theirs[i] = accept(listener, NULL, NULL);
        MUST(theirs[i] >= 0);
    }
    for (intptr_t i = 0; i < COUNT; i++)
        threads[i] = start_small(reader, (void *)i);
    while (__atomic_load_n(&parked, __ATOMIC_SEQ_CST) < COUNT)
        sched_yield();
    for (int i = 0; i < COUNT; i++) {
        int slot = i * 7 % COUNT;
        unsigned char byte = (unsigned char)(slot % 251);
        expected += byte;
        MUST(send(ours[slot], &byte, 1, 0) == 1);
    }
    for (int i = 0; i < COUNT; i++) {
        unsigned char byte = 0;
        MUST(recv(ours[i], &byte, 1, 0) == 1);
        right += byte == i % 251;
        finish(threads[i]);
    }
    say("right: %d, sum as expected: %d", right, sum == expected);
    return 0;
}
