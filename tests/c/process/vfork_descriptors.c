// A vfork child has a table of descriptors of its own: whatever it closes, replaces or makes there, threads of the parent
// that wait for the same numbers are served.
#include "oracle.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { READERS = 6 };

static int pairs[READERS][2], listener, event;

static void *reader(void *number)
{
    char byte;
    int fd = pairs[(intptr_t)number][0];
    for (int i = 0; i < 6; i++)
        if (recv(fd, &byte, 1, 0) != 1 || send(fd, &byte, 1, 0) != 1)
            return "not served";
    return NULL;
}

static void *accepter(void *unused)
{
    for (int i = 0; i < 6; i++) {
        int fd = accept(listener, NULL, NULL);
        MUST(fd >= 0 && close(fd) == 0);
    }
    return unused;
}

static void *counter(void *unused)
{
    uint64_t value;
    for (int i = 0; i < 6; i++)
        MUST(read(event, &value, sizeof value) == (ssize_t)sizeof value);
    return unused;
}

static void in_child(int round)
{
    switch (round) {
    case 0:
        for (int fd = 3; fd < 100; fd++)
            close(fd);
        break;
    case 1:
        close_range(3, 5000, 0);
        break;
    case 2:
        closefrom(3);
        break;
    case 3:
        for (int i = 0; i < READERS; i++)
            dup2(STDOUT_FILENO, pairs[i][0]);
        dup3(STDOUT_FILENO, listener, O_CLOEXEC);
        dup2(STDOUT_FILENO, event);
        break;
    case 4:
        close(listener);
        close(event);
        for (int i = 0; i < READERS; i++)
            close(pairs[i][0]);
        // The same numbers, made anew.
        for (int i = 0; i < READERS; i++)
            eventfd(0, EFD_CLOEXEC);
        socket(AF_INET, SOCK_STREAM, 0);
        break;
    default:
        for (int i = 0; i < READERS; i++) {
            shutdown(STDIN_FILENO, SHUT_RD);
            fcntl(pairs[i][0], F_SETFD, FD_CLOEXEC);
            fcntl(pairs[i][0], F_DUPFD, 50);
        }
    }
}

int main(void)
{
    begin();
    pthread_t readers[READERS];
    listener = tcp_listener(10);
    event = eventfd(0, 0);
    for (intptr_t i = 0; i < READERS; i++) {
        if (i % 2)
            tcp_pair(pairs[i]);
        else
            stream_pair(pairs[i]);
        readers[i] = start(reader, (void *)i);
    }
    pthread_t accepting = start(accepter, NULL), counting = start(counter, NULL);
    settle();
    for (int round = 0; round < 6; round++) {
        pid_t child = vfork();
        MUST(child >= 0);
        if (child == 0) {
            in_child(round);
            if (round % 2)
                execl("/bin/true", "true", (char *)NULL);
            _exit(0);
        }
        for (int i = 0; i < READERS; i++) {
            char byte = (char)('a' + i);
            set_timeout(pairs[i][1], SO_RCVTIMEO, 5000);
            MUST(send(pairs[i][1], &byte, 1, 0) == 1);
            byte = 0;
            MUST(recv(pairs[i][1], &byte, 1, 0) == 1 && byte == 'a' + i);
        }
        uint64_t one = 1;
        MUST(write(event, &one, sizeof one) == (ssize_t)sizeof one);
        MUST(close(tcp_connect(port_of(listener))) == 0);
        settle();
        say("round %d", round);
        say_child("child", child);
    }
    for (int i = 0; i < READERS; i++)
        MUST(finish(readers[i]) == NULL);
    finish(accepting);
    finish(counting);
    say("all served");
    return 0;
}
