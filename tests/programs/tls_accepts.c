// A server that knows nothing of TLS, on both IP families: ways to accept.
// tls_accepts WAY PORT: one line when it listens, and what it finds.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 3, EACH = 10 };

static struct sockaddr_in6 address = {.sin6_family = AF_INET6};

static int listener(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 50) != 0)
        exit(3);
    return fd;
}

static void say(const char *line)
{
    puts(line);
    fflush(stdout);
}

static void echo(int fd)
{
    char data[100];
    ssize_t n = recv(fd, data, sizeof data, 0);
    if (n <= 0 || send(fd, data, (size_t)n, MSG_NOSIGNAL) != n)
        say(strerrorname_np(n == 0 ? 0 : errno));
    while (recv(fd, data, sizeof data, 0) > 0)
        ;
    close(fd);
}

// What stdio still holds when the program exits.
static void leaves(int from)
{
    FILE *stream = fdopen(accept(from, NULL, NULL), "r+");
    char line[100];
    if (fgets(line, sizeof line, stream) == NULL)
        exit(4);
    fseek(stream, 0, SEEK_CUR);
    fputs(line, stream);
    exit(0);
}

static void children(int from)
{
    for (int i = 0; i < CHILDREN; i++)
        if (fork() == 0) {
            for (int j = 0; j < EACH; j++)
                echo(accept4(from, NULL, NULL, SOCK_CLOEXEC));
            exit(0);
        }
    for (int i = 0; i < CHILDREN; i++) {
        int status;
        printf("child %d\n", wait(&status) > 0 ? status : -1);
    }
}

static void flags(int from)
{
    fcntl(from, F_SETFL, O_NONBLOCK);
    int fd;
    while ((fd = accept4(from, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0 && errno == EAGAIN)
        usleep(1000);
    struct sockaddr_in6 peer;
    socklen_t len = sizeof peer;
    int named = getpeername(fd, (struct sockaddr *)&peer, &len);
    int nowhere = getpeername(fd, (struct sockaddr *)8, &len);
    printf("non-blocking %d, close-on-exec %d, name %d %d %d, nowhere %d %d\n", (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0,
           fcntl(fd, F_GETFD), named, peer.sin6_family, len == sizeof peer, nowhere, errno == EFAULT);
    fcntl(fd, F_SETFL, 0);
    echo(fd);
    int again = listener();
    dup2(again, from);
    close(again);
    say("again");
    fd = (int)syscall(SYS_accept4, from, NULL, NULL, 0);
    printf("non-blocking %d, close-on-exec %d\n", (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0, fcntl(fd, F_GETFD));
    echo(fd);
}

// An allocator with a lock that it takes for a fork, as jemalloc does; a connection comes just then.
static pthread_mutex_t allocator = PTHREAD_MUTEX_INITIALIZER;
static sem_t prepared;

void *__libc_calloc(size_t, size_t);

void *calloc(size_t count, size_t size)
{
    pthread_mutex_lock(&allocator);
    void *block = __libc_calloc(count, size);
    pthread_mutex_unlock(&allocator);
    return block;
}

static void prepare(void)
{
    pthread_mutex_lock(&allocator);
    sem_post(&prepared);
    usleep(300000);
}

static void settle(void)
{
    pthread_mutex_unlock(&allocator);
}

static void *meanwhile(void *from)
{
    sem_wait(&prepared);
    echo(accept(*(int *)from, NULL, NULL));
    return NULL;
}

static void forks(int from)
{
    pthread_t thread;
    sem_init(&prepared, 0, 0);
    pthread_create(&thread, NULL, meanwhile, &from);
    pthread_atfork(prepare, settle, settle);
    poll(&(struct pollfd){.fd = from, .events = POLLIN}, 1, -1);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    int status = -1;
    waitpid(child, &status, 0);
    pthread_join(thread, NULL);
    printf("child %d\n", status);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    address.sin6_port = htons((uint16_t)atoi(argv[2]));
    int from = listener();
    say("listening");
    if (strcmp(argv[1], "leaves") == 0)
        leaves(from);
    else if (strcmp(argv[1], "children") == 0)
        children(from);
    else if (strcmp(argv[1], "forks") == 0)
        forks(from);
    else
        flags(from);
    return 0;
}
