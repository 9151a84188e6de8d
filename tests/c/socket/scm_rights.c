// A descriptor passed through a Unix socket to a thread that waits for it in recvmsg.
#include "oracle.h"

static int ends[2];

static void pass(int fd)
{
    char byte = 'd', control[CMSG_SPACE(sizeof fd)];
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    memset(control, 0, sizeof control);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    say_call("sendmsg", sendmsg(ends[1], &message, 0));
}

static void *take(void *flags)
{
    int fd = -1;
    char byte = 0, control[CMSG_SPACE(sizeof fd)];
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(ends[0], &message, (int)(intptr_t)flags);
    MUST(got == 1 && byte == 'd');
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    MUST(header && header->cmsg_type == SCM_RIGHTS);
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return (void *)(intptr_t)fd;
}

int main(void)
{
    begin();
    int pipe_ends[2];
    char data[6] = "";
    stream_pair(ends);
    for (int flags = 0;; flags = MSG_CMSG_CLOEXEC) {
        MUST(pipe(pipe_ends) == 0);
        pthread_t thread = start(take, (void *)(intptr_t)flags);
        sleep_ms(10);
        pass(pipe_ends[1]);
        MUST(close(pipe_ends[1]) == 0);
        int passed = (int)(intptr_t)finish(thread);
        say("close-on-exec: %d", (fcntl(passed, F_GETFD) & FD_CLOEXEC) != 0);
        say_call("write to the passed one", write(passed, "hello", 5));
        MUST(close(passed) == 0);
        say_call("read", read(pipe_ends[0], data, 5));
        say_call("read the end", read(pipe_ends[0], data, 5));
        MUST(close(pipe_ends[0]) == 0);
        if (flags)
            return 0;
    }
}
