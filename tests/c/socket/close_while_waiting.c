// close() of a descriptor that another thread waits on: Linux lets the wait go on, and data that comes later still arrives.
// The number may be given to another file meanwhile, and the waiter must not notice.
#include "oracle.h"

static sem_t arrived;

static void *reader(void *fd)
{
    char data[10];
    MUST(sem_post(&arrived) == 0);
    ssize_t got = recv(*(int *)fd, data, sizeof data, 0);
    say("the reader got %zd: %.*s", got, (int)got, data);
    return NULL;
}

static void *acceptor(void *fd)
{
    MUST(sem_post(&arrived) == 0);
    int got = accept(*(int *)fd, NULL, NULL);
    say("accept: %s", got >= 0 ? "a connection" : error_name(errno));
    return NULL;
}

int main(void)
{
    begin();
    int ends[2], other[2], number;
    MUST(sem_init(&arrived, 0, 0) == 0);
    stream_pair(ends);
    number = ends[0];
    pthread_t thread = start(reader, &number);
    MUST(sem_wait(&arrived) == 0);
    settle();
    say_call("close under a reader", close(ends[0]));
    MUST(send(ends[1], "later", 5, MSG_NOSIGNAL) == 5);
    finish(thread);
    say_call("now it is closed", recv(number, other, 1, 0));
    say_call("and the peer sees it", send(ends[1], "x", 1, MSG_NOSIGNAL));
    MUST(close(ends[1]) == 0);

    stream_pair(ends);
    number = ends[0];
    thread = start(reader, &number);
    MUST(sem_wait(&arrived) == 0);
    settle();
    MUST(close(ends[0]) == 0);
    stream_pair(other);
    say("the number is used again: %d", other[0] == number);
    MUST(send(other[1], "for another", 11, 0) == 11);
    sleep_ms(20);
    MUST(send(ends[1], "for it", 6, 0) == 6);
    finish(thread);
    char data[20] = "";
    say_call("the other's data", recv(other[0], data, sizeof data, 0));

    stream_pair(ends);
    number = ends[0];
    thread = start(reader, &number);
    MUST(sem_wait(&arrived) == 0);
    settle();
    say_call("dup2 over a reader", dup2(other[0], ends[0]) == ends[0]);
    MUST(send(ends[1], "to the old", 10, 0) == 10);
    finish(thread);

    int listener = tcp_listener(5);
    uint16_t port = port_of(listener);
    thread = start(acceptor, &listener);
    MUST(sem_wait(&arrived) == 0);
    settle();
    say_call("close under accept", close(listener));
    int client = tcp_connect(port);
    finish(thread);
    MUST(close(client) == 0);
    return 0;
}
