// The plainest echo server there is: a blocking thread for each connection.
//
//   echo_server CONNECTIONS
//
// Listens on a free port of 127.0.0.1 and prints it; accepts exactly CONNECTIONS connections, gives each a thread that
// receives and sends until the client has finished, joins them all, prints how many connections and bytes it served, and
// exits 0, or 1 with the first error. The last read of a thread must be an end of file: a reset is an error here.

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BLOCK = 8192 };

static atomic_long served_bytes, finished;
static atomic_int first_errno;

static void stop(const char *what, int error) {
    fprintf(stderr, "echo_server: %s: %s\n", what, strerror(error));
    exit(1);
}

static void note_error(int error) {
    int none = 0;
    atomic_compare_exchange_strong(&first_errno, &none, error);
}

static int send_all(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0) return -1;
        bytes += sent;
        length -= (size_t)sent;
    }
    return 0;
}

static void *serve(void *argument) {
    int fd = (int)(intptr_t)argument;
    char block[BLOCK];
    ssize_t got;
    while ((got = recv(fd, block, sizeof block, 0)) > 0) {
        if (send_all(fd, block, (size_t)got) < 0) { got = -1; break; }
        atomic_fetch_add(&served_bytes, got);
    }
    if (got < 0) note_error(errno);
    close(fd);
    atomic_fetch_add(&finished, 1);
    return argument;
}

static int listen_anywhere(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 4096) < 0) stop("listen", errno);
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0) stop("getsockname", errno);
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void raise_limit(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv) {
    int connections = argc == 2 ? atoi(argv[1]) : 0;
    if (connections < 1) stop("usage: echo_server CONNECTIONS", EINVAL);
    raise_limit();
    pthread_t *threads = calloc((size_t)connections, sizeof *threads);
    intptr_t *numbers = calloc((size_t)connections, sizeof *numbers);
    int listener = listen_anywhere();
    for (int i = 0; i < connections; i++) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) stop("accept", errno);
        numbers[i] = fd;
        int error = pthread_create(&threads[i], NULL, serve, (void *)numbers[i]);
        if (error) stop("pthread_create", error);
    }
    for (int i = 0; i < connections; i++) {
        void *result;
        int error = pthread_join(threads[i], &result);
        if (error) stop("pthread_join", error);
        if (result != (void *)numbers[i]) stop("a thread returned another's value", EINVAL);
    }
    printf("served %ld connections, %ld bytes\n", atomic_load(&finished), atomic_load(&served_bytes));
    if (atomic_load(&first_errno)) stop("serving", atomic_load(&first_errno));
    return 0;
}
