/* Threads that keep an allocator busy while they wait for each other: blocks that are checked, handed over sockets and freed by
 * another thread, threads that end with blocks in a destructor, children made in the middle of it all.
 *
 * For allocators that are preloaded. The output is the same in every correct run, and begins with the file that malloc comes from.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(what)                                                                                                                        \
    do {                                                                                                                                   \
        if (!(what)) {                                                                                                                     \
            fprintf(stderr, "line %d: %s\n", __LINE__, #what);                                                                             \
            abort();                                                                                                                       \
        }                                                                                                                                  \
    } while (0)

enum { STORMS = 8, OPERATIONS = 20000, SLOTS = 64, PAIRS = 8, ROUNDS = 500, CLIENTS = 32, MESSAGES = 20, MESSAGE = 3000, SHORT = 300, CHILDREN = 12 };

static pthread_key_t key;

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* ---- blocks: the first word is the size, the others a pattern of it ---- */

static void fill(unsigned char *block, size_t size) {
    memset(block, (int)(size * 31 % 251), size);
    memcpy(block, &size, sizeof size);
}

static size_t check(const unsigned char *block) {
    size_t size;
    memcpy(&size, block, sizeof size);
    CHECK(size >= sizeof size && size <= 1 << 20);
    for (size_t i = sizeof size; i < size; i += i + 1)
        CHECK(block[i] == size * 31 % 251);
    CHECK(size == sizeof size || block[size - 1] == size * 31 % 251);
    return size;
}

static size_t some_size(uint64_t *random) {
    uint64_t word = next_random(random);
    return 16 + (word & 15 ? word >> 8 & 0x3ff : word >> 8 & 0x1ffff);
}

static unsigned char *make(uint64_t *random) {
    size_t size = some_size(random);
    void *block = NULL;
    switch (next_random(random) % 3) {
    case 0: block = malloc(size); break;
    case 1: block = calloc(1, size); break;
    default: CHECK(posix_memalign(&block, 64, size) == 0 && (uintptr_t)block % 64 == 0);
    }
    CHECK(block != NULL);
    fill(block, size);
    return block;
}

static size_t storm_of(uint64_t random, int operations) {
    unsigned char *slots[SLOTS] = {0};
    size_t checked = 0;
    for (int i = 0; i < operations; i++) {
        unsigned char **slot = &slots[next_random(&random) % SLOTS];
        if (*slot == NULL) {
            *slot = make(&random);
        } else if (next_random(&random) % 4 == 0) {
            size_t size = some_size(&random);
            check(*slot);
            CHECK((*slot = realloc(*slot, size)) != NULL);
            fill(*slot, size);
        } else {
            checked += check(*slot);
            free(*slot);
            *slot = NULL;
        }
        if (i % 1000 == 0)
            usleep(100);
    }
    for (int i = 0; i < SLOTS; i++)
        free(slots[i]);
    return checked;
}

static void *storm(void *seed) {
    return (void *)storm_of((uintptr_t)seed * 2654435761u + 1, OPERATIONS);
}

/* ---- two threads that free each other's blocks; the address goes over a socket ---- */

struct side {
    int fd;
    int begins;
};

static void send_block(int fd, uint64_t *random) {
    unsigned char *block = make(random);
    CHECK(send(fd, &block, sizeof block, 0) == sizeof block);
}

static size_t take_block(int fd) {
    unsigned char *block;
    CHECK(recv(fd, &block, sizeof block, MSG_WAITALL) == sizeof block);
    size_t size = check(block);
    free(block);
    return size;
}

static void *exchange(void *argument) {
    struct side *side = argument;
    uint64_t random = (uint64_t)side->begins + 77;
    size_t taken = 0;
    for (int i = 0; i < ROUNDS; i++) {
        if (side->begins)
            send_block(side->fd, &random);
        taken += take_block(side->fd);
        if (!side->begins)
            send_block(side->fd, &random);
    }
    close(side->fd);
    free(side);
    return (void *)taken;
}

static void start_pair(pthread_t *threads) {
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    for (int i = 0; i < 2; i++) {
        struct side *side = malloc(sizeof *side);
        *side = (struct side){ends[i], i};
        CHECK(pthread_create(&threads[i], NULL, exchange, side) == 0);
    }
}

/* ---- a thread for each connection, its buffer freed by the destructor of a key ---- */

static void *serve(void *argument) {
    int fd = (int)(intptr_t)argument;
    char *buffer = malloc(MESSAGE);
    pthread_setspecific(key, buffer);
    ssize_t got;
    while ((got = recv(fd, buffer, MESSAGE, 0)) > 0)
        CHECK(send(fd, buffer, (size_t)got, 0) == got);
    CHECK(got == 0);
    close(fd);
    return NULL;
}

static void *serve_all(void *argument) {
    int listener = (int)(intptr_t)argument;
    pthread_t threads[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        int fd = accept(listener, NULL, NULL);
        CHECK(fd >= 0 && pthread_create(&threads[i], NULL, serve, (void *)(intptr_t)fd) == 0);
    }
    for (int i = 0; i < CLIENTS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    return NULL;
}

static struct sockaddr_in address;

static void *client(void *seed) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t echoed = 0;
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    for (int i = 0; i < MESSAGES; i++) {
        char *said = malloc(MESSAGE), *heard = calloc(1, MESSAGE);
        memset(said, (int)(uintptr_t)seed + i, MESSAGE);
        CHECK(send(fd, said, MESSAGE, 0) == MESSAGE);
        CHECK(recv(fd, heard, MESSAGE, MSG_WAITALL) == MESSAGE);
        CHECK(memcmp(said, heard, MESSAGE) == 0);
        echoed += MESSAGE;
        free(said);
        free(heard);
    }
    close(fd);
    return (void *)echoed;
}

static int listen_here(void) {
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(listener >= 0 && bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, CLIENTS) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    return listener;
}

/* ---- threads that end at once, children ---- */

static void *brief(void *seed) {
    uint64_t random = (uintptr_t)seed + 1000;
    pthread_setspecific(key, make(&random));
    return make(&random);
}

static size_t brief_ones(int count) {
    size_t sizes = 0;
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        void *block;
        CHECK(pthread_create(&thread, NULL, brief, (void *)(intptr_t)i) == 0 && pthread_join(thread, &block) == 0);
        sizes += check(block);
        free(block);
    }
    return sizes;
}

static int children(void) {
    int well = 0;
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            size_t done = storm_of((uint64_t)i + 5, 500);
            _exit(done != 0 && brief_ones(5) != 0 ? 7 : 1);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child);
        well += WIFEXITED(status) && WEXITSTATUS(status) == 7;
    }
    return well;
}

static size_t join_all(pthread_t *threads, int count) {
    size_t sum = 0;
    for (int i = 0; i < count; i++) {
        void *result;
        CHECK(pthread_join(threads[i], &result) == 0);
        sum += (size_t)result;
    }
    return sum;
}

static const char *home_of_malloc(void) {
    Dl_info info;
    void *function = dlsym(RTLD_DEFAULT, "malloc");
    CHECK(function != NULL && dladdr(function, &info) != 0);
    const char *slash = strrchr(info.dli_fname, '/');
    return slash ? slash + 1 : info.dli_fname;
}

int main(void) {
    pthread_t storms[STORMS], pairs[2 * PAIRS], clients[CLIENTS], server;
    printf("malloc of %s\n", home_of_malloc());
    fflush(stdout);
    CHECK(pthread_key_create(&key, free) == 0);

    int listener = listen_here();
    CHECK(pthread_create(&server, NULL, serve_all, (void *)(intptr_t)listener) == 0);
    for (int i = 0; i < STORMS; i++)
        CHECK(pthread_create(&storms[i], NULL, storm, (void *)(intptr_t)i) == 0);
    for (int i = 0; i < PAIRS; i++)
        start_pair(&pairs[2 * i]);
    for (int i = 0; i < CLIENTS; i++)
        CHECK(pthread_create(&clients[i], NULL, client, (void *)(intptr_t)i) == 0);

    printf("children that ended well: %d\n", children());
    printf("brief threads: %zu bytes\n", brief_ones(SHORT));
    printf("storm: %zu bytes checked\n", join_all(storms, STORMS));
    printf("exchanged: %zu bytes\n", join_all(pairs, 2 * PAIRS));
    printf("echoed: %zu bytes\n", join_all(clients, CLIENTS));
    CHECK(pthread_join(server, NULL) == 0);
    close(listener);
    return 0;
}
