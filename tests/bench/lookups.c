/* A storm of look-ups: N threads each ask for M names, all different, through getaddrinfo.
 *
 * lookups THREADS EACH     prints "us_per_lookup N", "lookups_per_second N", "cpu_us_per_lookup N"
 *
 * Run it inside dns_box, whose name server knows the names h0.bench.test, h1.bench.test, ... and gives h<n> the address 127.x.y.z with n in
 * its last three bytes: every answer is checked. Each look-up is two questions (A and AAAA), as programs usually ask. */
#include "gate.h"

#include <netdb.h>

static struct gate gate = GATE;
static uint32_t each;

static void look_up(uint32_t index)
{
    struct addrinfo *found, hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char name[64];
    snprintf(name, sizeof name, "h%u.bench.test", index);
    int error = getaddrinfo(name, NULL, &hints, &found);
    if (error != 0) {
        fprintf(stderr, "lookups: %s: %s\n", name, gai_strerror(error));
        exit(1);
    }
    const struct sockaddr_in *address = (const struct sockaddr_in *)found->ai_addr;
    if (found->ai_next != NULL || found->ai_family != AF_INET || ntohl(address->sin_addr.s_addr) != (127u << 24 | index))
        die(name, EPROTO);
    freeaddrinfo(found);
}

static void *ask(void *argument)
{
    uint32_t first = (uint32_t)(uintptr_t)argument * each;
    gate_arrive(&gate);
    for (uint32_t i = 0; i < each; i++)
        look_up(first + i);
    return NULL;
}

int main(int argc, char **argv)
{
    struct timespec cpu;
    int count = argc > 1 ? (int)number("threads", argv[1], 1, 10000) : 1000;
    each = argc > 2 ? (uint32_t)number("each", argv[2], 1, 1000) : 1;
    pthread_t *threads = allocate((size_t)count, sizeof *threads);
    raise_descriptor_limit();
    gate_close(&gate, count);
    for (int i = 0; i < count; i++)
        create(&threads[i], ask, (void *)(uintptr_t)i);
    gate_await(&gate);
    uint64_t start = now_ns();
    gate_open(&gate);
    join_all(threads, count);
    double elapsed = (double)(now_ns() - start), total = (double)count * each;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    printf("us_per_lookup %.2f\n", elapsed / 1e3 / total);
    printf("lookups_per_second %.0f\n", total / elapsed * 1e9);
    printf("cpu_us_per_lookup %.2f\n", ((double)cpu.tv_sec * 1e6 + (double)cpu.tv_nsec / 1e3) / total);
    return 0;
}
