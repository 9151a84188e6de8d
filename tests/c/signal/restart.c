// With SA_RESTART the calls that Linux restarts go on after the handler; poll, select, epoll and sleeps do not; and a socket with a
// receive timeout is not restarted either.
#include "oracle.h"

static int ends[2], sockets[2], listener;
static volatile sig_atomic_t handled;
static volatile bool done;
static pthread_t target;

static void handler(int unused)
{
    (void)unused;
    handled++;
}

static void *signal_thrice_then_feed(void *unused)
{
    int before = handled;
    while (handled < before + 3) {
        MUST(pthread_kill(target, SIGUSR1) == 0);
        sleep_ms(5);
    }
    MUST(write(ends[1], "r", 1) == 1);
    MUST(write(sockets[1], "s", 1) == 1);
    int client = tcp_connect(port_of(listener));
    sleep_ms(50);
    MUST(close(client) == 0);
    return unused;
}

static void *signal_until_done(void *unused)
{
    while (!done) {
        MUST(pthread_kill(target, SIGUSR1) == 0);
        sleep_ms(5);
    }
    return unused;
}

static void restarted(void)
{
    char byte = '?';
    pthread_t thread = start(signal_thrice_then_feed, NULL);
    ssize_t got = read(ends[0], &byte, 1);
    say("read: %zd %c", got, byte);
    MUST(recv(sockets[0], &byte, 1, 0) == 1);
    MUST(close(accept(listener, NULL, NULL)) == 0);
    finish(thread);
    thread = start(signal_thrice_then_feed, NULL);
    got = recv(sockets[0], &byte, 1, 0);
    say("recv: %zd %c", got, byte);
    MUST(read(ends[0], &byte, 1) == 1);
    MUST(close(accept(listener, NULL, NULL)) == 0);
    finish(thread);
    thread = start(signal_thrice_then_feed, NULL);
    int fd = accept(listener, NULL, NULL);
    say("accept: %d", fd >= 0);
    MUST(close(fd) == 0);
    MUST(read(ends[0], &byte, 1) == 1 && recv(sockets[0], &byte, 1, 0) == 1);
    finish(thread);
}

static void not_restarted(void)
{
    char byte;
    struct pollfd item = {.fd = ends[0], .events = POLLIN};
    struct timespec span = {.tv_sec = 100};
    done = false;
    pthread_t thread = start(signal_until_done, NULL);
    long result = poll(&item, 1, 100000);
    say_call("poll", result);
    result = nanosleep(&span, NULL);
    say_call("nanosleep", result);
    set_timeout(sockets[0], SO_RCVTIMEO, 100000);
    result = recv(sockets[0], &byte, 1, 0);
    say_call("recv with a timeout", result);
    set_timeout(sockets[0], SO_RCVTIMEO, 0);
    done = true;
    finish(thread);
}

static void *body(void *unused)
{
    target = pthread_self();
    restarted();
    not_restarted();
    return unused;
}

int main(void)
{
    begin();
    handle(SIGUSR1, handler, SA_RESTART);
    MUST(pipe(ends) == 0);
    stream_pair(sockets);
    listener = tcp_listener(5);
    say("main:");
    body(NULL);
    say("a thread:");
    finish(start(body, NULL));
    return 0;
}
