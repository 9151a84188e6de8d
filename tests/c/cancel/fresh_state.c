// A recycled thread begins with cancellation enabled and deferred, whatever the last one on its stack had left.
#include "oracle.h"

static void *leave_odd(void *unused)
{
    MUST(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL) == 0);
    MUST(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL) == 0);
    MUST(pthread_cancel(pthread_self()) == 0);
    return unused;
}

static void *look(void *unused)
{
    int state = -1, type = -1;
    (void)unused;
    MUST(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type) == 0);
    MUST(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state) == 0);
    pthread_testcancel();
    return (void *)(intptr_t)(state == PTHREAD_CANCEL_ENABLE && type == PTHREAD_CANCEL_DEFERRED);
}

int main(void)
{
    begin();
    int fresh = 0, ended = 0;
    for (int i = 0; i < 20; i++) {
        ended += finish(start(leave_odd, NULL)) == NULL;
        fresh += finish(start(look, NULL)) == (void *)1;
    }
    say("ended by themselves %d, fresh %d", ended, fresh);
    return 0;
}
