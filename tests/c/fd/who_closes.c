// close() under a blocked reader by a signal handler, by syscall(2), by a socket that lingers, and by a thread that is cancelled
// before it does.
#include "oracle.h"

static sem_t arrived;
static int number;

static void *reader(void *unused)
{
    char data[8];
    MUST(sem_post(&arrived) == 0);
    say_call("the reader", recv(number, data, sizeof data, 0));
    return unused;
}

static void handler(int signal_number)
{
    (void)signal_number;
    MUST(close(number) == 0);
}

static void *cancelled(void *unused)
{
    MUST(pthread_cancel(pthread_self()) == 0);
    close(number);
    say("not here");
    return unused;
}

static pthread_t waiting(int ends[2], void (*make)(int *))
{
    make(ends);
    number = ends[0];
    pthread_t thread = start(reader, NULL);
    MUST(sem_wait(&arrived) == 0);
    settle();
    return thread;
}

static void go_on(pthread_t thread, int far)
{
    say_call("the number", fcntl(number, F_GETFD));
    MUST(send(far, "data", 4, MSG_NOSIGNAL) == 4);
    finish(thread);
    struct pollfd item = {.fd = far, .events = POLLRDHUP};
    say("the peer sees the end: %d", poll(&item, 1, 50));
    MUST(close(far) == 0);
}

int main(void)
{
    begin();
    int ends[2];
    MUST(sem_init(&arrived, 0, 0) == 0);

    pthread_t thread = waiting(ends, stream_pair);
    handle(SIGUSR1, handler, 0);
    MUST(raise(SIGUSR1) == 0);
    go_on(thread, ends[1]);

    thread = waiting(ends, stream_pair);
    say_call("syscall", syscall(SYS_close, number));
    go_on(thread, ends[1]);

    thread = waiting(ends, tcp_pair);
    struct linger wait_long = {1, 5};
    MUST(setsockopt(number, SOL_SOCKET, SO_LINGER, &wait_long, sizeof wait_long) == 0);
    MUST(close(number) == 0);
    go_on(thread, ends[1]);

    // At once, with a reset.
    thread = waiting(ends, tcp_pair);
    struct linger not_at_all = {1, 0};
    MUST(setsockopt(number, SOL_SOCKET, SO_LINGER, &not_at_all, sizeof not_at_all) == 0);
    MUST(close(number) == 0);
    go_on(thread, ends[1]);

    thread = waiting(ends, stream_pair);
    say("cancelled: %d", finish(start(cancelled, NULL)) == PTHREAD_CANCELED);
    go_on(thread, ends[1]);
    MUST(close(number) == 0);
    return 0;
}
