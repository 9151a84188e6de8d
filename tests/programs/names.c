// A name service for greenlets_net.c: "both.test" is ::1 and then 127.0.0.1. Beside the library and after it, so that it is asked.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>

typedef int look_up(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    look_up *real = (look_up *)dlsym(RTLD_NEXT, "getaddrinfo");
    if (host == NULL || strcmp(host, "both.test") != 0)
        return real(host, service, hints, found);
    int error = real("::1", service, hints, found);
    return error != 0 ? error : real("127.0.0.1", service, hints, &(*found)->ai_next);
}
