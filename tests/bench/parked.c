/* Memory: threads that wait, for the driver to look at.
 *
 * parked cond|recv THREADS     prints "ready", and after a line on standard input creates the threads and prints "parked";
 *                              after another line it ends them and itself
 *
 * The driver reads this process's resident set and the machine's free memory before and after; it does so for every peer in the same
 * way. All that is not a thread (sockets, the first thread's price) exists when "ready" is printed. */
#include "gate.h"

static struct gate gate = GATE;
static int (*pairs)[2];
static int in_recv;

static void *nothing(void *unused)
{
    return unused;
}

static void *wait_for_gate(void *unused)
{
    gate_arrive(&gate);
    return unused;
}

static void *wait_for_data(void *pair)
{
    char byte;
    pthread_mutex_lock(&gate.lock);
    if (++gate.here == gate.expected)
        pthread_cond_signal(&gate.arrived);
    pthread_mutex_unlock(&gate.lock);
    if (recv(((int *)pair)[0], &byte, 1, 0) != 0)
        die("recv", EPROTO);
    return NULL;
}

static void open_pairs(int count)
{
    pairs = allocate((size_t)count, sizeof *pairs);
    for (int i = 0; i < count; i++)
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]) != 0)
            die("socketpair", errno);
}

static void say_and_wait(const char *word)
{
    char line[16];
    puts(word);
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL)
        exit(1); /* the driver has gone */
}

int main(int argc, char **argv)
{
    pthread_t first;
    if (argc != 3 || (strcmp(argv[1], "cond") != 0 && strcmp(argv[1], "recv") != 0)) {
        fprintf(stderr, "usage: parked cond|recv THREADS\n");
        return 2;
    }
    in_recv = strcmp(argv[1], "recv") == 0;
    int count = (int)number("threads", argv[2], 1, 1000000);
    raise_descriptor_limit();
    if (in_recv)
        open_pairs(count);
    pthread_t *threads = allocate((size_t)count, sizeof *threads);
    memset(threads, 1, (size_t)count * sizeof *threads); /* resident before the first reading */
    create(&first, nothing, NULL); /* pays for the runtime's start and for libc's */
    join_all(&first, 1);
    gate_close(&gate, count);
    say_and_wait("ready");
    for (int i = 0; i < count; i++)
        create(&threads[i], in_recv ? wait_for_data : wait_for_gate, in_recv ? pairs[i] : NULL);
    gate_await(&gate);
    say_and_wait("parked");
    gate_open(&gate);
    for (int i = 0; in_recv && i < count; i++)
        close(pairs[i][1]);
    join_all(threads, count);
    return 0;
}
