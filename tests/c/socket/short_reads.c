// A read that gives less than was asked, and what may stand behind the data without telling of it again: the peer's end, an
// error, an urgent byte, more data. The reader must not wait for an edge that has been.
#include "oracle.h"

enum { ROUNDS = 150, WARM = 4, PROMPT_MS = 300 };

enum ending { FIN_IN_THE_SEGMENT, FIN_AT_ONCE, FIN_AFTER_PAUSE, HALF_CLOSE, URGENT, URGENT_READ_FIRST, RESET, ENDINGS };
static const char *const names[] = {"fin in the segment", "fin at once",       "fin after a pause", "half close",
                                    "urgent",             "urgent read first", "reset"};

struct talk {
    int fd;
    enum ending ending;
    int lag_us;
    char trace[128];
    int late;
};

static long long now_ms(void)
{
    struct timespec t;
    MUST(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

// Reads to the end; what came goes into the trace, joined where the network may have split it.
static void *reader(void *argument)
{
    struct talk *talk = argument;
    char data[64];
    for (int i = 0; i < WARM; i++) {
        MUST(recv(talk->fd, data, sizeof data, 0) == 4);
        MUST(send(talk->fd, data, 4, 0) == 4);
    }
    if (talk->lag_us > 0)
        usleep((useconds_t)talk->lag_us);
    if (talk->ending == URGENT_READ_FIRST) {
        char urgent = '?';
        for (int i = 0; recv(talk->fd, &urgent, 1, MSG_OOB) != 1 && i < 1000; i++)
            usleep(500);
        snprintf(talk->trace, sizeof talk->trace, "<%c>", urgent);
    }
    for (;;) {
        long long since = now_ms();
        ssize_t got = recv(talk->fd, data, sizeof data - 1, 0);
        talk->late += now_ms() - since > PROMPT_MS;
        size_t used = strlen(talk->trace);
        if (got > 0)
            snprintf(talk->trace + used, sizeof talk->trace - used, "%.*s", (int)got, data);
        else
            snprintf(talk->trace + used, sizeof talk->trace - used, got == 0 ? " end" : " %s", error_name(errno));
        if (got <= 0)
            break;
    }
    close(talk->fd);
    return NULL;
}

static void connected(int pair[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    MUST(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 1) == 0);
    MUST(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    pair[0] = socket(AF_INET, SOCK_STREAM, 0);
    MUST(connect(pair[0], (struct sockaddr *)&address, length) == 0);
    pair[1] = accept(listener, NULL, NULL);
    MUST(pair[1] >= 0);
    close(listener);
}

static void one(struct talk *talk)
{
    int pair[2];
    char data[64];
    connected(pair);
    talk->fd = pair[1];
    pthread_t thread = start(reader, talk);
    for (int i = 0; i < WARM; i++) {
        MUST(send(pair[0], "ping", 4, 0) == 4);
        MUST(recv(pair[0], data, sizeof data, 0) == 4);
    }
    MUST(send(pair[0], "last", 4, talk->ending == FIN_IN_THE_SEGMENT ? MSG_MORE : 0) == 4);
    switch (talk->ending) {
    case FIN_AFTER_PAUSE:
        usleep(3000);
        break;
    case HALF_CLOSE:
        MUST(shutdown(pair[0], SHUT_WR) == 0);
        MUST(recv(pair[0], data, sizeof data, 0) == 0);
        break;
    case URGENT:
    case URGENT_READ_FIRST:
        MUST(send(pair[0], "!", 1, MSG_OOB) == 1);
        MUST(send(pair[0], "more", 4, 0) == 4);
        break;
    case RESET:
        usleep(5000);
        MUST(setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger)) == 0);
        break;
    default:
        break;
    }
    close(pair[0]);
    finish(thread);
}

int main(void)
{
    begin();
    for (int ending = 0; ending < ENDINGS; ending++) {
        int late = 0, different = 0;
        char first[128] = "";
        for (int round = 0; round < ROUNDS / (ending == RESET ? 5 : 1); round++) {
            struct talk talk = {.ending = ending, .lag_us = ending == RESET ? 0 : round % 3 * 400};
            one(&talk);
            late += talk.late;
            if (round == 0)
                strcpy(first, talk.trace);
            different += strcmp(first, talk.trace) != 0;
        }
        say("%s: \"%s\", %d different, %d late", names[ending], first, different, late);
    }
}
