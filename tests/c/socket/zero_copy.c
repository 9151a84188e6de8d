// MSG_ZEROCOPY: a blocking send is one call to whoever counts completions, however often it has to wait for room.
#include "oracle.h"

#include <linux/errqueue.h>

enum { BIG = 1 << 20, CALLS = 3 };

static char block[BIG];
static int ends[2];

static void *send_it(void *how)
{
    struct iovec part = {block, BIG};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    struct mmsghdr several = {.msg_hdr = message};
    ssize_t sent;
    switch ((intptr_t)how) {
    case 0:
        sent = send(ends[0], block, BIG, MSG_ZEROCOPY);
        break;
    case 1:
        sent = sendmsg(ends[0], &message, MSG_ZEROCOPY);
        break;
    default:
        sent = sendmmsg(ends[0], &several, 1, MSG_ZEROCOPY) == 1 ? (ssize_t)several.msg_len : -1;
    }
    say_call("sent", sent);
    return NULL;
}

// Up to which call everything is complete.
static unsigned completed(void)
{
    char control[200];
    struct msghdr message = {.msg_control = control, .msg_controllen = sizeof control};
    struct pollfd item = {.fd = ends[0]};
    MUST(poll(&item, 1, 10000) == 1);
    MUST(recvmsg(ends[0], &message, MSG_ERRQUEUE) == 0);
    struct sock_extended_err *told = (struct sock_extended_err *)CMSG_DATA(CMSG_FIRSTHDR(&message));
    MUST(told->ee_errno == 0 && told->ee_origin == SO_EE_ORIGIN_ZEROCOPY);
    return told->ee_data;
}

int main(void)
{
    begin();
    static char taken[1 << 16];
    int one = 1, small = 1 << 16;
    tcp_pair(ends);
    MUST(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
    say_call("SO_ZEROCOPY", setsockopt(ends[0], SOL_SOCKET, SO_ZEROCOPY, &one, sizeof one));
    unsigned calls = 0;
    for (intptr_t how = 0; how < CALLS; how++) {
        pthread_t thread = start(send_it, (void *)how);
        settle();
        for (ssize_t left = BIG, n; left > 0; left -= n)
            MUST((n = recv(ends[1], taken, sizeof taken, 0)) > 0);
        finish(thread);
        while (calls <= (unsigned)how) {
            unsigned last = completed();
            if (last >= calls)
                calls = last + 1;
        }
        say("complete: %u", calls);
    }
    return 0;
}
