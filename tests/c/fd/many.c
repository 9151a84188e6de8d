// Many numbers closed under their readers at once, and each reader ended: no descriptor is left over.
#include "oracle.h"
#include <dirent.h>

enum { MANY = 150 };

static sem_t arrived;

static int open_numbers(void)
{
    int n = 0;
    DIR *directory = opendir("/proc/self/fd");
    MUST(directory != NULL);
    while (readdir(directory) != NULL)
        n++;
    MUST(closedir(directory) == 0);
    return n;
}

static void *reader(void *fd)
{
    char byte = 0;
    MUST(sem_post(&arrived) == 0);
    MUST(read((int)(intptr_t)fd, &byte, 1) == 1);
    return (void *)(intptr_t)byte;
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    finish(start(return_it, NULL));
    int before = open_numbers(), near[MANY], far[MANY];
    pthread_t threads[MANY];
    for (int i = 0; i < MANY; i++) {
        int ends[2];
        if (i % 2)
            stream_pair(ends);
        else
            MUST(pipe(ends) == 0);
        near[i] = ends[0];
        far[i] = ends[1];
        threads[i] = start_small(reader, (void *)(intptr_t)near[i]);
    }
    for (int i = 0; i < MANY; i++)
        MUST(sem_wait(&arrived) == 0);
    settle();
    for (int i = 0; i < MANY; i++)
        MUST(close(near[i]) == 0);
    int again = open("/dev/null", O_RDONLY);
    say("the first number is free: %d", again == near[0]);
    MUST(close(again) == 0);
    long sum = 0;
    for (int i = 0; i < MANY; i++)
        MUST(write(far[i], &(char){(char)(i % 100)}, 1) == 1);
    for (int i = 0; i < MANY; i++)
        sum += (intptr_t)finish(threads[i]);
    for (int i = 0; i < MANY; i++)
        MUST(close(far[i]) == 0);
    say("sum %ld, left over: %d", sum, open_numbers() - before);
    return 0;
}
