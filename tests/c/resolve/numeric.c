// Names that need no server: numeric addresses, services, and the errors, from main and from a thread.
#include "oracle.h"

#include <netdb.h>

static void look_up(const char *what, const char *host, const char *service, int flags)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags}, *list = NULL;
    int error = getaddrinfo(host, service, &hints, &list);
    if (error) {
        say("%s: %s", what, gai_strerror(error));
        return;
    }
    for (struct addrinfo *each = list; each; each = each->ai_next) {
        char name[100], port[20];
        MUST(getnameinfo(each->ai_addr, each->ai_addrlen, name, sizeof name, port, sizeof port,
                         NI_NUMERICHOST | NI_NUMERICSERV) == 0);
        say("%s: family %d, type %d, %s port %s", what, each->ai_family, each->ai_socktype, name, port);
    }
    freeaddrinfo(list);
}

static void *body(void *unused)
{
    look_up("IPv4", "127.0.0.1", "80", AI_NUMERICHOST | AI_NUMERICSERV);
    look_up("IPv6", "::1", "443", AI_NUMERICHOST | AI_NUMERICSERV);
    look_up("passive", NULL, "8080", AI_PASSIVE | AI_NUMERICSERV);
    look_up("not numeric", "localhost", "80", AI_NUMERICHOST);
    look_up("no such service", "127.0.0.1", "no-such-service-at-all", 0);
    look_up("neither", NULL, NULL, 0);
    look_up("wrong flags", "127.0.0.1", "80", 0x40000000);
    struct sockaddr_in address = loopback(80);
    char name[100], small[4];
    say("getnameinfo, too small: %s",
        gai_strerror(getnameinfo((struct sockaddr *)&address, sizeof address, small, sizeof small, NULL, 0, NI_NUMERICHOST)));
    say("getnameinfo, wrong family: %s",
        gai_strerror(getnameinfo(&(struct sockaddr){.sa_family = 99}, sizeof(struct sockaddr), name, sizeof name, NULL, 0, 0)));
    return unused;
}

int main(void)
{
    begin();
    body(NULL);
    say("in a thread:");
    finish(start(body, NULL));
    return 0;
}
