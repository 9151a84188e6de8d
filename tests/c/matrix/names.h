// Look-ups that wait for a name server: this one, on loopback, which says nothing until it is told to.
//
// The thread that looks up is given the server in its own resolver state, which is what it asks. Its address was never in a file.
#ifndef MATRIX_NAMES_H
#define MATRIX_NAMES_H

#include "cell.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>

#define HOST "waits.test."

static struct sockaddr_in server;
static unsigned char answer_of_server[512];

static inline void silent_server(void)
{
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof server;
    the_fd = socket(AF_INET, SOCK_DGRAM, 0);
    MUST(the_fd >= 0);
    MUST(bind(the_fd, (struct sockaddr *)&server, length) == 0);
    MUST(getsockname(the_fd, (struct sockaddr *)&server, &length) == 0);
}

// The answer to a question: itself, and one record of its type.
static inline size_t answer(unsigned char *message, size_t length)
{
    static const unsigned char name[] = "\4host\4test";
    HEADER *header = (HEADER *)message;
    const unsigned char *asked = message + length - 4;
    unsigned type;
    NS_GET16(type, asked);
    header->qr = 1, header->ra = 1, header->ancount = htons(1), header->arcount = 0;
    unsigned char *at = message + length;
    *at++ = 0xc0, *at++ = sizeof *header; // the name: where the question has it
    NS_PUT16(type, at);
    NS_PUT16(ns_c_in, at);
    NS_PUT32(60, at);
    const void *data = type == ns_t_ptr ? (const void *)name : &server.sin_addr;
    size_t size = type == ns_t_ptr ? sizeof name : sizeof server.sin_addr;
    NS_PUT16(size, at);
    memcpy(at, data, size);
    return (size_t)(at - message) + size;
}

// Answers what was asked, by whoever has gone meanwhile too.
static inline void serve(void)
{
    unsigned char message[512];
    for (int flags = 0;; flags = MSG_DONTWAIT) {
        struct sockaddr_in asker;
        socklen_t length = sizeof asker;
        ssize_t n = recvfrom(the_fd, message, sizeof message / 2, flags, (struct sockaddr *)&asker, &length);
        if (n < 0 && flags && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        MUST(n > (ssize_t)sizeof(HEADER));
        MUST(sendto(the_fd, message, answer(message, (size_t)n), 0, (struct sockaddr *)&asker, length) > 0);
    }
}

static inline void ask_the_server(void)
{
    MUST(res_init() == 0);
    _res.nscount = 1, _res.retrans = 2 * PATIENCE_MS / 1000, _res.retry = 1;
    _res.nsaddr_list[0] = server;
}

static inline long is_ours(const struct hostent *found)
{
    return found && found->h_length == 4 && memcmp(found->h_addr_list[0], &server.sin_addr, 4) == 0;
}

static inline long is_named(const struct hostent *found)
{
    return found && strcmp(found->h_name, "host.test") == 0;
}

static inline long by_getaddrinfo(long ms)
{
    (void)ms;
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list = NULL;
    ask_the_server();
    int error = ((__typeof__(&getaddrinfo))target)(HOST, NULL, &hints, &list);
    calm();
    return error == 0 && ((struct sockaddr_in *)list->ai_addr)->sin_addr.s_addr == server.sin_addr.s_addr;
}

static inline long by_getnameinfo(long ms)
{
    (void)ms;
    struct sockaddr_in whose = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201)};
    char name[100];
    ask_the_server();
    int error = ((__typeof__(&getnameinfo))target)((struct sockaddr *)&whose, sizeof whose, name, sizeof name, NULL, 0, NI_NAMEREQD);
    calm();
    return error == 0 && strcmp(name, "host.test") == 0;
}

static inline long by_gethostbyname(long ms)
{
    (void)ms;
    ask_the_server();
    return is_ours(((__typeof__(&gethostbyname))target)(HOST));
}

static inline long by_gethostbyname2(long ms)
{
    (void)ms;
    ask_the_server();
    return is_ours(((__typeof__(&gethostbyname2))target)(HOST, AF_INET));
}

static inline long by_gethostbyname_r(long ms)
{
    (void)ms;
    struct hostent space, *found = NULL;
    char buffer[1024];
    int why;
    ask_the_server();
    return ((__typeof__(&gethostbyname_r))target)(HOST, &space, buffer, sizeof buffer, &found, &why) == 0 && is_ours(found);
}

static inline long by_gethostbyname2_r(long ms)
{
    (void)ms;
    struct hostent space, *found = NULL;
    char buffer[1024];
    int why;
    ask_the_server();
    return ((__typeof__(&gethostbyname2_r))target)(HOST, AF_INET, &space, buffer, sizeof buffer, &found, &why) == 0 && is_ours(found);
}

static inline long by_gethostbyaddr(long ms)
{
    (void)ms;
    ask_the_server();
    return is_named(((__typeof__(&gethostbyaddr))target)("\300\0\2\1", 4, AF_INET));
}

static inline long by_gethostbyaddr_r(long ms)
{
    (void)ms;
    struct hostent space, *found = NULL;
    char buffer[1024];
    int why;
    ask_the_server();
    return ((__typeof__(&gethostbyaddr_r))target)("\300\0\2\1", 4, AF_INET, &space, buffer, sizeof buffer, &found, &why) == 0 &&
           is_named(found);
}

static inline long by_res_query(long ms)
{
    (void)ms;
    ask_the_server();
    return ((__typeof__(&res_query))target)(HOST, ns_c_in, ns_t_a, answer_of_server, sizeof answer_of_server);
}

static inline long by_res_querydomain(long ms)
{
    (void)ms;
    ask_the_server();
    return ((__typeof__(&res_querydomain))target)("waits", "test", ns_c_in, ns_t_a, answer_of_server, sizeof answer_of_server);
}

static inline long by_res_send(long ms)
{
    (void)ms;
    unsigned char question[512];
    ask_the_server();
    int length = res_mkquery(ns_o_query, HOST, ns_c_in, ns_t_a, NULL, 0, NULL, question, sizeof question);
    MUST(length > 0);
    return ((__typeof__(&res_send))target)(question, length, answer_of_server, sizeof answer_of_server);
}

static inline long by_res_nquery(long ms)
{
    (void)ms;
    ask_the_server();
    return ((__typeof__(&res_nquery))target)(&_res, HOST, ns_c_in, ns_t_a, answer_of_server, sizeof answer_of_server);
}

static inline long by_res_nquerydomain(long ms)
{
    (void)ms;
    ask_the_server();
    return ((__typeof__(&res_nquerydomain))target)(&_res, "waits", "test", ns_c_in, ns_t_a, answer_of_server, sizeof answer_of_server);
}

static inline long by_res_nsend(long ms)
{
    (void)ms;
    unsigned char question[512];
    ask_the_server();
    int length = res_nmkquery(&_res, ns_o_query, HOST, ns_c_in, ns_t_a, NULL, 0, NULL, question, sizeof question);
    MUST(length > 0);
    return ((__typeof__(&res_nsend))target)(&_res, question, length, answer_of_server, sizeof answer_of_server);
}

#endif
