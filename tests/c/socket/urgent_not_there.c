// An urgent byte that is announced and has not come, because there is no room for it: a blocking recv does not wait for it either.
#include "oracle.h"

static int ends[2];

static void *urgent(void *unused)
{
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    struct mmsghdr several = {.msg_hdr = message};
    say_call("recv", recv(ends[1], &byte, 1, MSG_OOB));
    say_call("recvmsg", recvmsg(ends[1], &message, MSG_OOB));
    say_call("recvmmsg", recvmmsg(ends[1], &several, 1, MSG_OOB, NULL));
    return unused;
}

int main(void)
{
    begin();
    static char block[1 << 16];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 4096;
    struct sockaddr_in address = loopback(0);
    char byte;
    MUST(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0);
    MUST(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0);
    ends[0] = tcp_connect(port_of(listener));
    ends[1] = accept(listener, NULL, NULL);
    finish(start(urgent, NULL));
    // More than there is room for at the other side, so that something is always on its way, and the mark with it.
    for (int sent = 0; sent < 32 * 1024;) {
        ssize_t now = send(ends[0], block, 1024, MSG_DONTWAIT);
        MUST(now > 0);
        sent += (int)now;
    }
    MUST(send(ends[0], "!", 1, MSG_OOB) == 1);
    while (recv(ends[1], &byte, 1, MSG_OOB | MSG_DONTWAIT) == -1 && errno == EINVAL)
        sleep_ms(1);
    finish(start(urgent, NULL));
    return 0;
}
