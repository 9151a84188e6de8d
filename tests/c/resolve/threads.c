// Twenty threads resolve at the same time, while another counts: all get the same answers.
#include "oracle.h"

#include <netdb.h>

static int right;

static void *resolve(void *unused)
{
    for (int i = 0; i < 5; i++) {
        struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list = NULL;
        char name[100];
        MUST(getaddrinfo(i % 2 ? "127.0.0.1" : "localhost", "7", &hints, &list) == 0);
        MUST(getnameinfo(list->ai_addr, list->ai_addrlen, name, sizeof name, NULL, 0, NI_NUMERICHOST) == 0);
        if (strcmp(name, "127.0.0.1") == 0)
            __atomic_add_fetch(&right, 1, __ATOMIC_SEQ_CST);
        freeaddrinfo(list);
    }
    return unused;
}

int main(void)
{
    begin();
    pthread_t threads[20];
    for (int i = 0; i < 20; i++)
        threads[i] = start(resolve, NULL);
    for (int i = 0; i < 20; i++)
        finish(threads[i]);
    say("right: %d", right);
    return 0;
}
