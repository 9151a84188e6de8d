// localhost by every call there is, and the errno-like h_errno that belongs to the thread.
#include "oracle.h"

#include <netdb.h>

static void *body(void *unused)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list = NULL;
    char text[64], room[2048];
    int error = getaddrinfo("localhost", NULL, &hints, &list);
    say("getaddrinfo: %s", error ? gai_strerror(error) : "found");
    if (!error) {
        MUST(inet_ntop(AF_INET, &((struct sockaddr_in *)list->ai_addr)->sin_addr, text, sizeof text));
        say("it is %s", text);
        freeaddrinfo(list);
    }
    struct hostent *host = gethostbyname("localhost"), entry, *found;
    say("gethostbyname: %s", host ? inet_ntop(host->h_addrtype, host->h_addr_list[0], text, sizeof text) : "not found");
    host = gethostbyname2("localhost", AF_INET);
    say("gethostbyname2: %d", host != NULL);
    int h = -1;
    say("gethostbyname_r: %d", gethostbyname_r("localhost", &entry, room, sizeof room, &found, &h));
    say("found: %d, h_errno %d", found == &entry, h);
    say("gethostbyname_r, no room: %s", error_name(gethostbyname_r("localhost", &entry, room, 8, &found, &h)));
    host = gethostbyname("127.0.0.1");
    say("a number: %s", host ? host->h_name : "not found");
    struct in_addr address = {.s_addr = htonl(INADDR_LOOPBACK)};
    host = gethostbyaddr(&address, sizeof address, AF_INET);
    say("gethostbyaddr: %s", host ? host->h_name : "not found");
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
