/* The token of the pipe ring, and the pipes themselves: what ring.c and ring_epoll.c share. */
#ifndef RING_H
#define RING_H

#include "bench.h"

#include <fcntl.h>

enum { TOKENS = 64, MOST_PIPES = 100000 };

/* Where it is bound for and how far it still has to go: a token in the wrong pipe, or torn, is seen. */
struct token {
    uint32_t place, hops_left;
};

static int (*pipes)[2];
static uint32_t places;

static void open_pipes(int flags)
{
    raise_descriptor_limit();
    pipes = allocate(places, sizeof *pipes);
    for (uint32_t i = 0; i < places; i++)
        if (pipe2(pipes[i], O_CLOEXEC | flags) != 0)
            die("pipe2", errno);
}

static void put(uint32_t place, uint32_t hops_left)
{
    struct token token = {place, hops_left};
    if (write(pipes[place][1], &token, sizeof token) != sizeof token)
        die("write", errno);
}

/* 0 when the pipe has been closed. */
static int take(uint32_t place, struct token *token)
{
    ssize_t got = read(pipes[place][0], token, sizeof *token);
    if (got == 0)
        return 0;
    if (got != sizeof *token)
        die("read", got < 0 ? errno : EPROTO);
    if (token->place != place)
        die("a token in the wrong pipe", EPROTO);
    return 1;
}

/* Passes a token on; 0 when it has come to its end. */
static int pass(struct token token)
{
    if (token.hops_left == 0)
        return 0;
    put(token.place + 1 == places ? 0 : token.place + 1, token.hops_left - 1);
    return 1;
}

/* Tokens that together make `count` hops, evenly spread over the ring. */
static void put_all(uint64_t count)
{
    for (uint32_t i = 0; i < TOKENS; i++)
        put((uint32_t)((uint64_t)i * places / TOKENS), (uint32_t)(count / TOKENS) - 1);
}

static int ring_main(int argc, char **argv, int flags, void (*prepare)(void), uint64_t (*run)(uint64_t count))
{
    double seconds = argc > 1 ? number("seconds", argv[1], 0.01, 60) : 1;
    places = argc > 2 ? (uint32_t)number("threads", argv[2], 2, MOST_PIPES) : 1000;
    open_pipes(flags);
    prepare();
    printf("ns_per_hop %.1f\n", nanoseconds_each(run, seconds, 16 * TOKENS));
    return 0;
}

#endif
