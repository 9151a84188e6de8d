/* Memory: what one waiting thread costs, in the process and in the whole machine.
 *
 * parked cond|recv THREADS     prints "rss_bytes_per_thread N" and "machine_bytes_per_thread N"
 *
 * The resident set leaves out a kernel thread's other half (its kernel stack, its task, its page tables), so what the machine has
 * available is compared as well. That figure is of the whole machine: anything else that runs is in it, which is why the program settles
 * before each reading and why the driver takes the median of several runs. All that is not a thread (sockets, the runtime's own start)
 * exists before the first reading. */
#include "bench.h"

/* The kernel folds its per-CPU counters into MemAvailable once a second, and gives back the memory of the program that ran before
 * this one bit by bit. What still moves after MOST_READINGS is measured anyway; the spread over the rounds shows it. */
enum { BETWEEN_READINGS_US = 1200000, STEADY_KB = 512, MOST_READINGS = 8 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int parked, ended;
static int (*pairs)[2];

static void arrive(void)
{
    pthread_mutex_lock(&lock);
    parked++;
    pthread_mutex_unlock(&lock);
}

static void *wait_for_signal(void *unused)
{
    pthread_mutex_lock(&lock);
    parked++;
    while (!ended)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return unused;
}

static void *wait_for_data(void *pair)
{
    char byte;
    arrive();
    if (recv(((int *)pair)[0], &byte, 1, 0) != 0)
        die("recv", EPROTO);
    return NULL;
}

static void end_all(int in_recv, int count)
{
    pthread_mutex_lock(&lock);
    ended = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (int i = 0; in_recv && i < count; i++)
        close(pairs[i][1]);
}

static void open_pairs(int count)
{
    pairs = calloc((size_t)count, sizeof *pairs);
    if (pairs == NULL)
        die("calloc", ENOMEM);
    for (int i = 0; i < count; i++)
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]) != 0)
            die("socketpair", errno);
}

static double kilobytes(const char *file, const char *key)
{
    char line[256];
    double value = -1;
    FILE *f = fopen(file, "r");
    if (f == NULL)
        die(file, errno);
    while (value < 0 && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtod(line + strlen(key), NULL);
    fclose(f);
    if (value < 0)
        die(key, ENOENT);
    return value;
}

struct memory {
    double resident, available;
};

static double steady_available(void)
{
    double before, now = kilobytes("/proc/meminfo", "MemAvailable:");
    int readings = 0;
    do {
        before = now;
        usleep(BETWEEN_READINGS_US);
        now = kilobytes("/proc/meminfo", "MemAvailable:");
    } while ((now - before > STEADY_KB || before - now > STEADY_KB) && ++readings < MOST_READINGS);
    return now;
}

static struct memory settled(void)
{
    double available = steady_available();
    /* smaps_rollup counts pages; VmRSS is summed from per-CPU counters that lag. */
    return (struct memory){kilobytes("/proc/self/smaps_rollup", "Rss:"), available};
}

static void wait_until_parked(int count)
{
    for (int here = 0; here < count;) {
        usleep(10000);
        pthread_mutex_lock(&lock);
        here = parked;
        pthread_mutex_unlock(&lock);
    }
}

static void *nothing(void *unused)
{
    return unused;
}

/* The first thread pays for the runtime's start and for glibc's; it is not one of the measured. */
static void pay_for_the_first(void)
{
    pthread_t thread;
    check("pthread_create", pthread_create(&thread, NULL, nothing, NULL));
    check("pthread_join", pthread_join(thread, NULL));
}

static void create_all(pthread_t *threads, int in_recv, int count)
{
    for (int i = 0; i < count; i++)
        check("pthread_create",
              pthread_create(&threads[i], NULL, in_recv ? wait_for_data : wait_for_signal, in_recv ? pairs[i] : NULL));
}

int main(int argc, char **argv)
{
    if (argc != 3 || (strcmp(argv[1], "cond") != 0 && strcmp(argv[1], "recv") != 0)) {
        fprintf(stderr, "usage: parked cond|recv THREADS\n");
        return 2;
    }
    int in_recv = strcmp(argv[1], "recv") == 0, count = (int)number("threads", argv[2], 1, 30000);
    raise_descriptor_limit();
    if (in_recv)
        open_pairs(count);
    pthread_t *threads = malloc((size_t)count * sizeof *threads);
    if (threads == NULL)
        die("malloc", ENOMEM);
    memset(threads, 0, (size_t)count * sizeof *threads); /* resident before the first reading */
    pay_for_the_first();
    struct memory before = settled();
    create_all(threads, in_recv, count);
    wait_until_parked(count);
    struct memory after = settled();
    printf("rss_bytes_per_thread %.0f\n", (after.resident - before.resident) * 1024 / count);
    printf("machine_bytes_per_thread %.0f\n", (before.available - after.available) * 1024 / count);
    end_all(in_recv, count);
    for (int i = 0; i < count; i++)
        check("pthread_join", pthread_join(threads[i], NULL));
    return 0;
}
