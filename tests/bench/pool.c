/* A worker pool: clients put requests into one queue under a mutex and a condition, workers take them, answer, and wake the client.
 *
 * pool SECONDS CLIENTS WORKERS     prints "ns_per_request N" and "requests_per_second N"
 *
 * The shape of most threaded servers behind their sockets: two hand-overs a request, and one lock for all. Each answer is checked against
 * what the client asked. */
#include "gate.h"

struct request {
    struct request *next;
    uint64_t question, answer;
    int answered;
    pthread_cond_t done;
};

static struct gate gate = GATE;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER;
static struct request *head, **tail = &head;
static uint64_t share;
static int clients, workers, closed;

static void *work(void *unused)
{
    pthread_mutex_lock(&lock);
    for (;;) {
        while (head == NULL && !closed)
            pthread_cond_wait(&not_empty, &lock);
        struct request *request = head;
        if (request == NULL)
            break;
        head = request->next;
        if (head == NULL)
            tail = &head;
        pthread_mutex_unlock(&lock);
        uint64_t answer = scramble(request->question);
        pthread_mutex_lock(&lock);
        request->answer = answer;
        request->answered = 1;
        pthread_cond_signal(&request->done);
    }
    pthread_mutex_unlock(&lock);
    return unused;
}

static void ask(struct request *request, uint64_t question)
{
    request->question = question;
    request->answered = 0;
    request->next = NULL;
    pthread_mutex_lock(&lock);
    *tail = request;
    tail = &request->next;
    pthread_cond_signal(&not_empty);
    while (!request->answered)
        pthread_cond_wait(&request->done, &lock);
    pthread_mutex_unlock(&lock);
    if (request->answer != scramble(question))
        die("the answer to another question", EPROTO);
}

static void *client(void *number_of_client)
{
    static const pthread_cond_t fresh = PTHREAD_COND_INITIALIZER;
    uint64_t first = (uint64_t)(uintptr_t)number_of_client << 40;
    struct request request = {.done = fresh};
    gate_arrive(&gate);
    for (uint64_t i = 0; i < share; i++)
        ask(&request, first + i);
    return NULL;
}

static void close_queue(void)
{
    pthread_mutex_lock(&lock);
    closed = 1;
    pthread_cond_broadcast(&not_empty);
    pthread_mutex_unlock(&lock);
}

static uint64_t run(uint64_t count)
{
    static pthread_t ids[2][10000];
    share = count / (uint64_t)clients + 1;
    closed = 0;
    gate_close(&gate, clients);
    for (int i = 0; i < workers; i++)
        create(&ids[0][i], work, NULL);
    for (int i = 0; i < clients; i++)
        create(&ids[1][i], client, (void *)(uintptr_t)i);
    gate_await(&gate);
    uint64_t start = now_ns();
    gate_open(&gate);
    join_all(ids[1], clients);
    uint64_t elapsed = now_ns() - start;
    close_queue();
    join_all(ids[0], workers);
    return elapsed * count / (share * (uint64_t)clients);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? number("seconds", argv[1], 0.01, 60) : 1;
    clients = argc > 2 ? (int)number("clients", argv[2], 1, 10000) : 100;
    workers = argc > 3 ? (int)number("workers", argv[3], 1, 10000) : 16;
    double each = nanoseconds_each(run, seconds, 10 * (uint64_t)clients);
    printf("ns_per_request %.1f\n", each);
    printf("requests_per_second %.0f\n", 1e9 / each);
    return 0;
}
