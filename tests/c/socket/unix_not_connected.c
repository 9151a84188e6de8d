// Datagrams to a local address by sockets that are not connected: a sender that finds the receiver's queue full of what others have
// sent waits until there is room, which nothing tells its own socket of, and does nothing meanwhile.
#include "oracle.h"

enum { SENDERS = 9 };

static int receiver;
static struct sockaddr_un address;
static socklen_t length;

static void *sender(void *number)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    MUST(fd >= 0);
    struct iovec part = {"waits", 5};
    struct msghdr message = {&address, length, &part, 1, NULL, 0, 0};
    struct mmsghdr messages = {message, 0};
    if ((intptr_t)number % 3 == 0)
        MUST(sendto(fd, "waits", 5, 0, (struct sockaddr *)&address, length) == 5);
    else if ((intptr_t)number % 3 == 1)
        MUST(sendmsg(fd, &message, 0) == 5);
    else
        MUST(sendmmsg(fd, &messages, 1, 0) == 1);
    MUST(close(fd) == 0);
    return NULL;
}

// Says how many it has put there.
static int fill(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), count = 0;
    while (sendto(fd, "first", 5, 0, (struct sockaddr *)&address, length) == 5)
        count++;
    MUST(errno == EAGAIN && close(fd) == 0);
    return count;
}

static void *body(void *unused)
{
    pthread_t threads[SENDERS];
    char text[10] = "";
    int first = fill();
    for (intptr_t i = 0; i < SENDERS; i++)
        threads[i] = start(sender, (void *)i);
    settle();
    long long used = now_ns(CLOCK_PROCESS_CPUTIME_ID), begun = now_ns(CLOCK_MONOTONIC);
    sleep_ms(200);
    say("waiting uses %s", now_ns(CLOCK_PROCESS_CPUTIME_ID) - used < 50 * 1000000LL ? "no CPU" : "the CPU");
    for (int i = 0; i < first + SENDERS; i++) {
        MUST(recv(receiver, text, sizeof text, 0) == 5);
        MUST(strcmp(text, i < first ? "first" : "waits") == 0);
    }
    for (int i = 0; i < SENDERS; i++)
        finish(threads[i]);
    say_took("all of them", begun, 200);
    return unused;
}

int main(void)
{
    begin();
    address.sun_family = AF_UNIX;
    // In no directory.
    length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1
                         + (size_t)snprintf(address.sun_path + 1, 60, "greenlet-oracle-%d", getpid()));
    receiver = socket(AF_UNIX, SOCK_DGRAM, 0);
    MUST(receiver >= 0 && bind(receiver, (struct sockaddr *)&address, length) == 0);
    finish(start(body, NULL));
    return 0;
}
