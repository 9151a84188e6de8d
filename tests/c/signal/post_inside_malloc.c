// A handler that posts a semaphore for many threads, in the middle of the program's malloc: nothing that the posts set off may need
// malloc itself.
#include "oracle.h"

enum { THREADS = 8 };

static sem_t posts;
static volatile int ran;

static void on_alarm(int signo)
{
    (void)signo;
    for (int i = 0; ran == 0 && i < THREADS; i++)
        sem_post(&posts);
    ran = 1;
}

static void *wait_for_it(void *unused)
{
    MUST(sem_wait(&posts) == 0);
    return unused;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_handler = on_alarm};
    MUST(sigaction(SIGVTALRM, &action, NULL) == 0 && sem_init(&posts, 0, 0) == 0);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(wait_for_it, NULL);
    sleep_ms(20);
    struct itimerval soon = {.it_value = {.tv_usec = 3000}};
    MUST(setitimer(ITIMER_VIRTUAL, &soon, NULL) == 0);
    while (!ran) {
        void *blocks[8];
        for (int i = 0; i < 8; i++)
            blocks[i] = malloc(3000 + (size_t)i * 700);
        for (int i = 0; i < 8; i++)
            free(blocks[i]);
    }
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    say("handler ran: %d", ran);
}
