// What the futex call refuses.
#include "oracle.h"

#include <linux/futex.h>

static uint32_t words[4];

static void *body(void *unused)
{
    uint32_t *odd = (uint32_t *)((char *)words + 1), *nowhere = (uint32_t *)4096;
    struct timespec span = span_ms(1), *no_span = (struct timespec *)4096;
    say_call("WAIT at an odd address", syscall(SYS_futex, odd, FUTEX_WAIT_PRIVATE, 0, &span, NULL, 0));
    say_call("WAKE at an odd address", syscall(SYS_futex, odd, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    say_call("WAIT where nothing is", syscall(SYS_futex, nowhere, FUTEX_WAIT_PRIVATE, 0, &span, NULL, 0));
    say_call("WAKE where nothing is, private", syscall(SYS_futex, nowhere, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    say_call("WAKE where nothing is, shared", syscall(SYS_futex, nowhere, FUTEX_WAKE, 1, NULL, NULL, 0));
    say_call("WAIT, timeout where nothing is", syscall(SYS_futex, words, FUTEX_WAIT_PRIVATE, 0, no_span, NULL, 0));
    say_call("no such operation", syscall(SYS_futex, words, 99, 0, NULL, NULL, 0));
    say_call("WAKE nobody", syscall(SYS_futex, words, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    say_call("WAKE_OP", syscall(SYS_futex, words, FUTEX_WAKE_OP_PRIVATE, 1, 1L, words + 1,
                                FUTEX_OP(FUTEX_OP_SET, 9, FUTEX_OP_CMP_EQ, 0)));
    say("it set %u", words[1]);
    words[1] = 0;
    say_call("no such system call", syscall(9999));
    say_call("another system call", syscall(SYS_getppid) == getppid());
    return unused;
}

int main(void)
{
    begin();
    body(NULL);
    finish(start(body, NULL));
    return 0;
}
