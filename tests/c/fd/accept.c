// close() of a listener under blocked accepts: it goes on listening until they have returned, and not longer.
#include "oracle.h"

static sem_t arrived;

static void *acceptor(void *listener)
{
    MUST(sem_post(&arrived) == 0);
    int got = accept((int)(intptr_t)listener, NULL, NULL);
    MUST(got >= 0);
    MUST(write(got, "hello", 5) == 5);
    MUST(close(got) == 0);
    return NULL;
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    for (int threads = 1; threads <= 3; threads++) {
        int listener = tcp_listener(5);
        uint16_t port = port_of(listener);
        pthread_t thread[3];
        for (int i = 0; i < threads; i++)
            thread[i] = start(acceptor, (void *)(intptr_t)listener);
        for (int i = 0; i < threads; i++)
            MUST(sem_wait(&arrived) == 0);
        settle();
        say_call("close", close(listener));
        for (int i = 0; i < threads; i++) {
            char data[8];
            int client = tcp_connect(port);
            say("%d of %d: %zd bytes", i + 1, threads, recv(client, data, sizeof data, MSG_WAITALL));
            MUST(close(client) == 0);
        }
        for (int i = 0; i < threads; i++)
            finish(thread[i]);
        struct sockaddr_in address = loopback(port);
        int late = socket(AF_INET, SOCK_STREAM, 0);
        say_call("too late", connect(late, (struct sockaddr *)&address, sizeof address));
        MUST(close(late) == 0);
    }
    return 0;
}
