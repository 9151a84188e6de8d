// The lock inside a FILE is libc's own: a thread that sleeps with it keeps the others out, and they get it in the end.
#include "oracle.h"

static sem_t held;
static bool through;

static void *holder(void *unused)
{
    flockfile(stderr);
    MUST(sem_post(&held) == 0);
    fputs("held", stderr);
    sleep_ms(30);
    fputs(" together\n", stderr);
    through = true;
    funlockfile(stderr);
    return unused;
}

static void *writer(void *unused)
{
    flockfile(stderr);
    say("the holder is through: %d", through);
    fputs("then the other\n", stderr);
    funlockfile(stderr);
    return unused;
}

static void *many(void *stream)
{
    for (int i = 0; i < 100; i++)
        fprintf(stream, "%s", "abcdefghij\n");
    return NULL;
}

int main(void)
{
    begin();
    MUST(sem_init(&held, 0, 0) == 0);
    pthread_t first = start(holder, NULL);
    MUST(sem_wait(&held) == 0);
    pthread_t second = start(writer, NULL);
    finish(first);
    finish(second);
    pthread_t threads[8];
    FILE *file = tmpfile();
    MUST(file);
    for (int i = 0; i < 8; i++)
        threads[i] = start(many, file);
    for (int i = 0; i < 8; i++)
        finish(threads[i]);
    char line[100];
    int whole = 0;
    rewind(file);
    while (fgets(line, sizeof line, file))
        whole += strcmp(line, "abcdefghij\n") == 0;
    say("whole lines: %d", whole);
    return 0;
}
