// stdio on a pipe and on a socket: libc reads and writes inside itself, and a thread that waits there must not stop the others
// that are to feed it.
#include "oracle.h"

static int ends[2];
static FILE *in, *out;

static void *reader(void *unused)
{
    char *line = NULL;
    size_t room = 0;
    int number = 0;
    char word[20];
    MUST(fgets(word, sizeof word, in));
    say("fgets: %zu bytes", strlen(word));
    MUST(getline(&line, &room, in) > 0);
    say("getline: %zu bytes", strlen(line));
    MUST(fscanf(in, "%d %19s\n", &number, word) == 2);
    say("fscanf: %d %s", number, word);
    say("fgetc: %c", fgetc(in));
    say("fread: %zu", fread(word, 1, 10, in));
    int last = fgetc(in);
    say("at the end: %d %d", last, feof(in) != 0);
    free(line);
    return unused;
}

static void *writer(void *unused)
{
    setvbuf(out, NULL, _IOLBF, 0);
    fputs("first line\n", out);
    sleep_ms(5);
    fprintf(out, "the second, %d", 2);
    fflush(out);
    sleep_ms(5);
    fputs(" parts\n42 word\n", out);
    fflush(out);
    sleep_ms(5);
    fputc('!', out);
    fflush(out);
    sleep_ms(5);
    fputs("01234", out);
    fflush(out);
    sleep_ms(5);
    fputs("56789", out);
    MUST(fclose(out) == 0);
    return unused;
}

static void *big_writer(void *unused)
{
    for (int i = 0; i < 100000; i++)
        fputs("0123456789", out);
    MUST(fclose(out) == 0);
    return unused;
}

static void run(const char *name, int reading, int writing)
{
    say("%s:", name);
    in = fdopen(reading, "r");
    out = fdopen(writing, "w");
    pthread_t first = start(reader, NULL), second = start(writer, NULL);
    finish(first);
    finish(second);
    MUST(fclose(in) == 0);
}

int main(void)
{
    begin();
    MUST(pipe(ends) == 0);
    run("pipe", ends[0], ends[1]);
    stream_pair(ends);
    run("Unix socket", ends[0], ends[1]);
    tcp_pair(ends);
    run("TCP", ends[0], ends[1]);
    MUST(pipe(ends) == 0);
    in = fdopen(ends[0], "r");
    out = fdopen(ends[1], "w");
    pthread_t thread = start(big_writer, NULL);
    settle();
    long total = 0;
    while (fgetc(in) != EOF)
        total++;
    finish(thread);
    say("a million bytes: %ld", total);
    return 0;
}
