// A connect that has to wait, because the listener's queue is full: SO_SNDTIMEO ends it, and for a Unix socket an accept too.
#include "oracle.h"

static void *tcp_with_timeout(void *unused)
{
    int listener = tcp_listener(0), full[4];
    struct sockaddr_in address = loopback(port_of(listener));
    for (int i = 0; i < 4; i++) {
        full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(full[i], (struct sockaddr *)&address, sizeof address);
    }
    sleep_ms(20);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    set_timeout(fd, SO_SNDTIMEO, 100);
    long long began = now_ns(CLOCK_MONOTONIC);
    say_call("TCP, queue full", connect(fd, (struct sockaddr *)&address, sizeof address));
    say_took_socket("  that", began, 100);
    say("blocking: %d", !is_nonblocking(fd));
    for (int i = 0; i < 4; i++)
        MUST(close(full[i]) == 0);
    MUST(close(fd) == 0 && close(listener) == 0);
    return unused;
}

static int unix_listener;
static struct sockaddr_un unix_address = {.sun_family = AF_UNIX};
static socklen_t unix_length;

static void *unix_connect(void *unused)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)unused;
    MUST(connect(fd, (struct sockaddr *)&unix_address, unix_length) == 0);
    MUST(!is_nonblocking(fd));
    MUST(close(fd) == 0);
    return NULL;
}

static void unix_queue(void)
{
    int first, second, size = snprintf(unix_address.sun_path + 1, 60, "greenlet-oracle-full-%d", getpid());
    unix_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size);
    unix_listener = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(bind(unix_listener, (struct sockaddr *)&unix_address, unix_length) == 0 && listen(unix_listener, 0) == 0);
    first = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(connect(first, (struct sockaddr *)&unix_address, unix_length) == 0);
    second = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    say_call("Unix, queue full, non-blocking", connect(second, (struct sockaddr *)&unix_address, unix_length));
    MUST(close(second) == 0);
    second = socket(AF_UNIX, SOCK_STREAM, 0);
    set_timeout(second, SO_SNDTIMEO, 50);
    long long began = now_ns(CLOCK_MONOTONIC);
    say_call("Unix, queue full, with timeout", connect(second, (struct sockaddr *)&unix_address, unix_length));
    say_took_socket("  that", began, 50);
    say("blocking: %d", !is_nonblocking(second));
    pthread_t threads[5];
    for (int i = 0; i < 5; i++)
        threads[i] = start(unix_connect, NULL);
    settle();
    int accepted = 0;
    for (int i = 0; i < 6; i++) {
        int fd = accept(unix_listener, NULL, NULL);
        accepted += fd >= 0 && close(fd) == 0;
    }
    for (int i = 0; i < 5; i++)
        finish(threads[i]);
    say("accepted: %d", accepted);
    MUST(close(first) == 0 && close(second) == 0);
    second = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(close(unix_listener) == 0);
    say_call("the listener is gone", connect(second, (struct sockaddr *)&unix_address, unix_length));
}

int main(void)
{
    begin();
    finish(start(tcp_with_timeout, NULL));
    unix_queue();
    return 0;
}
