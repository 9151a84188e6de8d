/*
 * Producers and consumers: a greenlet and a thread make numbers, two greenlets add them up, and a queue of eight holds them apart.
 *
 *     cc produce.c $(pkg-config --cflags --libs greenlet) -o produce && ./produce
 */
#include <greenlet.h>

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

enum { NUMBERS = 10000 };

static greenlet_queue_t *queue;

static void *produce(void *first)
{
    for (intptr_t number = (intptr_t)first; number <= NUMBERS; number += 2)
        greenlet_queue_put(queue, (void *)number, GREENLET_FOREVER);
    return NULL;
}

static void *consume(void *unused)
{
    intptr_t sum = 0;
    void *number = unused;
    while (greenlet_queue_get(queue, GREENLET_FOREVER, &number) == 0 && number != NULL)
        sum += (intptr_t)number;
    return (void *)sum;
}

int main(void)
{
    pthread_t thread;
    greenlet_t producer, consumers[2];
    intptr_t sum = 0;
    if (greenlet_init(0) != 0 || (queue = greenlet_queue_new(8)) == NULL ||
        pthread_create(&thread, NULL, produce, (void *)2) != 0) {
        perror("produce");
        return 1;
    }
    producer = greenlet_spawn(produce, (void *)1);
    for (int i = 0; i < 2; i++)
        consumers[i] = greenlet_spawn(consume, NULL);
    greenlet_join(producer, NULL);
    pthread_join(thread, NULL);
    for (int i = 0; i < 2; i++)
        greenlet_queue_put(queue, NULL, GREENLET_FOREVER);
    for (int i = 0; i < 2; i++) {
        void *part;
        greenlet_join(consumers[i], &part);
        sum += (intptr_t)part;
    }
    greenlet_queue_free(queue);
    printf("the numbers to %d are %ld together\n", NUMBERS, (long)sum);
    return 0;
}
