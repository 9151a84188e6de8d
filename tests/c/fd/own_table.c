// unshare(CLONE_FILES) and CLOSE_RANGE_UNSHARE: what a thread opens and closes from then on is its own, and that of the threads it
// makes. Others wait for the same numbers and notice nothing.
#include "oracle.h"

static sem_t arrived, unshared, go;
static int number, far;

static void *reader(void *fd)
{
    char data[8];
    MUST(sem_post(&arrived) == 0);
    ssize_t got = recv((int)(intptr_t)fd, data, sizeof data, 0);
    say("the reader got %zd", got);
    return NULL;
}

static void *poller(void *fd)
{
    struct pollfd item = {.fd = (int)(intptr_t)fd, .events = POLLIN};
    MUST(sem_post(&arrived) == 0);
    int got = poll(&item, 1, 5000);
    say("the poller: %d, %x", got, (unsigned)item.revents);
    return NULL;
}

static pthread_t waiting(void *(*body)(void *), int fd)
{
    pthread_t thread = start(body, (void *)(intptr_t)fd);
    MUST(sem_wait(&arrived) == 0);
    settle();
    return thread;
}

// A number in a table of one's own: closed, another file's, closed again.
static void use_up(void)
{
    int other[2];
    say_call("close", close(number));
    say_call("closed", fcntl(number, F_GETFD));
    MUST(pipe(other) == 0);
    say("used again: %d", other[0] == number || other[1] == number);
    MUST(dup2(other[0], number) == number);
    MUST(write(other[1], "p", 1) == 1);
    char data[4];
    say_call("its new file", read(number, data, sizeof data));
    MUST(close(other[1]) == 0);
    if (other[0] != number)
        MUST(close(number) == 0);
    MUST(close(other[0]) == 0);
}

static void *child_of_unsharer(void *unused)
{
    say_call("its child's", fcntl(number, F_GETFD));
    int other[2];
    stream_pair(other);
    MUST(dup2(other[0], number) == number);
    MUST(close(number) == 0 && (other[0] == number || close(other[0]) == 0));
    // Above the small numbers of either table.
    int high = fcntl(other[1], F_DUPFD, 1500);
    say_call("a high number", fcntl(high, F_GETFD));
    say_call("closed", close(high));
    MUST(close(other[1]) == 0);
    return unused;
}

static void *unsharer(void *range)
{
    if (range)
        say_call("close_range", close_range((unsigned)number, ~0U, CLOSE_RANGE_UNSHARE));
    else
        say_call("unshare", unshare(CLONE_FILES));
    MUST(sem_post(&unshared) == 0);
    MUST(sem_wait(&go) == 0);
    if (range)
        say_call("closed", fcntl(number, F_GETFD));
    else
        use_up();
    finish(start(child_of_unsharer, NULL));
    pid_t child = fork();
    if (child == 0) {
        begin();
        int ends[2];
        stream_pair(ends);
        pthread_t thread = waiting(reader, ends[0]);
        MUST(close(ends[0]) == 0);
        MUST(send(ends[1], "child", 5, 0) == 5);
        finish(thread);
        _exit(3);
    }
    say_child("a child", child);
    MUST(sem_post(&unshared) == 0);
    MUST(sem_wait(&go) == 0);
    return NULL;
}

static void run(void *(*body)(void *), pthread_t (*make)(void *(*)(void *), void *), void *range)
{
    int ends[2];
    stream_pair(ends);
    number = ends[0];
    far = ends[1];
    pthread_t waits = waiting(body, number);
    pthread_t unshares = make(unsharer, range);
    MUST(sem_wait(&unshared) == 0);
    MUST(sem_post(&go) == 0);
    MUST(sem_wait(&unshared) == 0);
    say_call("the number here", fcntl(number, F_GETFD));
    settle();
    MUST(send(far, "data", 4, 0) == 4);
    finish(waits);
    char data[8];
    if (body == poller)
        MUST(recv(number, data, sizeof data, 0) == 4);
    // And what this one closes is not closed there.
    waits = waiting(reader, number);
    MUST(close(number) == 0);
    MUST(send(far, "more", 4, 0) == 4);
    finish(waits);
    struct pollfd item = {.fd = far, .events = POLLRDHUP};
    say("the peer sees the end: %d", poll(&item, 1, 50));
    MUST(sem_post(&go) == 0);
    finish(unshares);
    MUST(close(far) == 0);
}

// A file that is closed under a reader is not in the copy of the table.
static void *unshares_late(void *unused)
{
    MUST(unshare(CLONE_FILES) == 0);
    MUST(sem_post(&unshared) == 0);
    MUST(sem_wait(&go) == 0);
    return unused;
}

static void closed_before(void)
{
    int ends[2];
    stream_pair(ends);
    pthread_t waits = waiting(reader, ends[0]);
    MUST(close(ends[0]) == 0);
    pthread_t unshares = start(unshares_late, NULL);
    MUST(sem_wait(&unshared) == 0);
    MUST(send(ends[1], "late", 4, 0) == 4);
    finish(waits);
    struct pollfd item = {.fd = ends[1], .events = POLLRDHUP};
    say("the peer sees the end: %d", poll(&item, 1, 2000));
    MUST(sem_post(&go) == 0);
    finish(unshares);
    MUST(close(ends[1]) == 0);
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0 && sem_init(&unshared, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);
    run(reader, start, NULL);
    run(poller, start, NULL);
    run(reader, start, "");
    run(poller, start, "");
    run(reader, start_foreign, NULL);
    run(reader, start_foreign, "");
    closed_before();
    say_call("no such flag", close_range(3, 5, 1 << 9));
    say_call("the wrong way", close_range(5, 3, CLOSE_RANGE_UNSHARE));

    // Main's own.
    int ends[2];
    stream_pair(ends);
    number = ends[0];
    pthread_t thread = waiting(reader, number);
    say_call("main", syscall(SYS_unshare, CLONE_FILES));
    use_up();
    MUST(send(ends[1], "end", 3, 0) == 3);
    finish(thread);
    return 0;
}
