// Everything of greenlet.h that has memory is made and given back, many times: for valgrind, to which the library tells of its blocks.
// With an argument: does what must not be done, which valgrind is to find: "freed" uses a queue that was freed, "twice" frees one
// twice, "lost" forgets one.
#include "greenlets.h"
#include <greenlet.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 8, FEW = 6 };

static greenlet_queue_t *queue;
static greenlet_event_t *event;

static void *puts_some(void *unused)
{
    for (int i = 0; i < FEW; i++)
        CHECK(greenlet_queue_put(queue, &queue, GREENLET_FOREVER) == 0);
    return unused;
}

static void *waits(void *unused)
{
    (void)greenlet_event_wait(event, GREENLET_FOREVER, NULL);
    return unused;
}

static void *returns(void *value) { return value; }

static void *is_late(void *unused) { return (void)greenlet_sleep(20), unused; }

static void queues(void)
{
    void *item = NULL;
    CHECK((queue = greenlet_queue_new(2)) != NULL);
    greenlet_t one = greenlet_spawn(puts_some, NULL);
    for (int i = 0; i < FEW; i++)
        CHECK(greenlet_queue_get(queue, 20, &item) == 0 && item == &queue);
    CHECK(greenlet_join(one, NULL) == 0 && greenlet_queue_put(queue, NULL, 0) == 0);
    greenlet_queue_free(queue); // with what it holds
}

static void events(void)
{
    pthread_t thread;
    greenlet_t all[FEW];
    CHECK((event = greenlet_event_new()) != NULL && pthread_create(&thread, NULL, waits, NULL) == 0);
    for (int i = 0; i < FEW; i++)
        CHECK((all[i] = greenlet_spawn(waits, NULL)) != 0);
    CHECK(greenlet_yield() == 0 && greenlet_kill(all[0]) == 0);
    CHECK(greenlet_event_wait(event, 0.001, NULL) == -1 && greenlet_event_send(event, NULL) == 0);
    for (int i = 0; i < FEW; i++)
        CHECK(greenlet_join(all[i], NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    greenlet_event_free(event);
}

static void timers(void)
{
    greenlet_timer_t never = greenlet_call_after(100, returns, NULL);
    CHECK(never != 0 && greenlet_call_after(0.001, returns, NULL) != 0 && greenlet_call_after_global(0, returns, NULL) != 0);
    CHECK(greenlet_exc_after(0.002, EIO) != 0 && greenlet_sleep(20) == -1 && errno == EIO);
    CHECK(greenlet_with_timeout(0.001, is_late, NULL, NULL, NULL) == 1);
    CHECK(greenlet_with_timeout(100, returns, NULL, NULL, NULL) == 0 && greenlet_timer_cancel(never) == 1);
    greenlet_t one = greenlet_spawn(returns, NULL);
    CHECK(one != 0 && greenlet_detach(one) == 0 && greenlet_sleep(0.001) == 0);
}

static void semaphores(void)
{
    greenlet_sem_t *sem = greenlet_sem_new(1);
    CHECK(sem != NULL && greenlet_sem_acquire(sem, 0) == 0 && greenlet_sem_acquire(sem, 0.001) == -1);
    CHECK(greenlet_sem_release(sem) == 0);
    greenlet_sem_free(sem);
}

static void errs(const char *how)
{
    queue = greenlet_queue_new(1);
    if (strcmp(how, "freed") == 0) {
        greenlet_queue_free(queue);
        (void)greenlet_queue_length(queue);
    } else if (strcmp(how, "twice") == 0) {
        greenlet_queue_free(queue);
        greenlet_queue_free(queue);
    }
    queue = NULL;
}

int main(int count, char **words)
{
    alarm(100);
    setvbuf(stdout, NULL, _IOLBF, 0);
    CHECK(greenlet_init(0) == 0);
    for (int round = 0; round < ROUNDS; round++) {
        queues();
        events();
        timers();
        semaphores();
    }
    if (count > 1)
        errs(words[1]);
    if (wrong == 0)
        puts("all is right");
    return wrong != 0;
}
