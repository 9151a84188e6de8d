// A stream's number is closed, or another file's, while a thread waits for input from it: what the old file has ends the wait and is
// what is read; where that is not enough, and at the next call, the number counts.
#include "oracle.h"

enum { KINDS = 3, WAYS = 6, TIMES = 4, COUNT = KINDS * WAYS * TIMES };

typedef struct {
    FILE *in;
    int way, time, feed, other[2];
    char text[3][40];
} Reader;

static Reader readers[COUNT];
static sem_t arrived;

static void take(Reader *r, char *into)
{
    char *line = NULL;
    size_t room = 0, n;
    ssize_t got;
    int c;
    strcpy(into, "nothing");
    errno = 0;
    switch (r->way) {
    case 0:
    case 4:
    case 5:
        if (!fgets(into, 40, r->in))
            strcpy(into, "nothing");
        break;
    case 1:
        if ((c = fgetc(r->in)) != EOF)
            snprintf(into, 40, "%c", c);
        break;
    case 2:
        if ((got = getline(&line, &room, r->in)) > 0)
            snprintf(into, 40, "%s", line);
        free(line);
        break;
    case 3:
        if ((n = fread(into, 1, 4, r->in)))
            into[n] = 0;
        break;
    }
    snprintf(into + strlen(into), 40 - strlen(into), " %s", error_name(errno));
    for (char *end; (end = strchr(into, '\n'));)
        *end = '/';
}

static void *reader(void *argument)
{
    Reader *r = argument;
    MUST(sem_post(&arrived) == 0);
    // Where the number is taken after the input has come, a second read may be on either side of that.
    for (int i = 0; i < (r->time < 2 ? 3 : 1); i++)
        take(r, r->text[i]);
    return NULL;
}

static void feed(Reader *r)
{
    // 4: the end; 5: half a line
    if (r->way == 4)
        MUST(close(r->feed) == 0);
    else
        MUST(write(r->feed, r->way == 5 ? "half " : "old\n", r->way == 5 ? 5 : 4) >= 4);
}

static void replace(Reader *r, bool closes)
{
    if (closes)
        MUST(close(fileno(r->in)) == 0);
    else
        MUST(dup2(r->other[0], fileno(r->in)) >= 0);
}

int main(void)
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    pthread_t threads[COUNT];
    for (int i = 0; i < COUNT; i++) {
        Reader *r = &readers[i];
        int ends[2];
        if (i % KINDS == 0)
            MUST(pipe(ends) == 0);
        else if (i % KINDS == 1)
            stream_pair(ends);
        else
            tcp_pair(ends);
        stream_pair(r->other);
        MUST(write(r->other[1], "new\nnew\n", 8) == 8);
        MUST(shutdown(r->other[1], SHUT_WR) == 0);
        r->in = fdopen(ends[0], "r");
        MUST(r->in);
        r->feed = ends[1];
        r->time = i / KINDS / WAYS;
        r->way = i / KINDS % WAYS;
        if (r->time != 1 && r->way == 5)
            r->way = 0;
        if (i % 2)
            MUST(setvbuf(r->in, NULL, _IOLBF, 100) == 0);
        threads[i] = start(reader, r);
    }
    for (int i = 0; i < COUNT; i++)
        MUST(sem_wait(&arrived) == 0);
    settle();
    for (int i = 0; i < COUNT; i++) {
        Reader *r = &readers[i];
        if (r->time < 2) {
            replace(r, r->time == 0);
            feed(r);
        } else {
            feed(r);
            replace(r, r->time == 2);
        }
    }
    for (int i = 0; i < COUNT; i++) {
        Reader *r = &readers[i];
        finish(threads[i]);
        say("kind %d, way %d, time %d: %s, %s, %s; end %d, error %d", i % KINDS, r->way, r->time, r->text[0],
            r->text[1], r->text[2], feof(r->in) != 0, ferror(r->in) != 0);
    }
    return 0;
}
