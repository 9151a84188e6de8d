// A number is closed just as a call on it begins to wait, and is given to a socket that does not wait: whoever then reads that one
// is told so at once.
#include "oracle.h"

enum { ROUNDS = 3000 };

static int number;
static sem_t begun, over;

static void *reader(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        char byte;
        MUST(sem_wait(&begun) == 0);
        // What there was when it began, or what there is by then.
        MUST(recv(number, &byte, 1, 0) == 1 || errno == EAGAIN || errno == EBADF);
        MUST(sem_post(&over) == 0);
    }
    return unused;
}

static void *closer(void *unused)
{
    int early = 0;
    for (int i = 0; i < ROUNDS; i++) {
        int old[2], new[2];
        char byte;
        stream_pair(old);
        number = old[0];
        MUST(sem_post(&begun) == 0);
        for (volatile int spin = i % 300 * 10; spin > 0; spin--)
            ;
        MUST(close(number) == 0);
        MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, new) == 0);
        early += new[0] == number;
        MUST(recv(new[0], &byte, 1, 0) == -1 && errno == EAGAIN);
        MUST(send(old[1], "x", 1, MSG_NOSIGNAL) == 1 || errno == EPIPE);
        MUST(sem_wait(&over) == 0);
        MUST(close(new[0]) == 0 && close(new[1]) == 0 && close(old[1]) == 0);
    }
    say("the number was the next one's %s", early == ROUNDS ? "each time" : "not each time");
    return unused;
}

int main(void)
{
    begin();
    MUST(sem_init(&begun, 0, 0) == 0 && sem_init(&over, 0, 0) == 0);
    pthread_t one = start(reader, NULL), other = start(closer, NULL);
    finish(one);
    finish(other);
    return 0;
}
