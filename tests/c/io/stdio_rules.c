// What a thread that waits for input on a stream sees beside data: the end, which is sticky, time-outs, signals, a non-blocking
// description, bytes pushed back, output that must go out before, cancellation.
#include "oracle.h"

static FILE *in;
static int feed;

static void open_pair(const char *mode)
{
    int ends[2];
    stream_pair(ends);
    in = fdopen(ends[0], mode);
    feed = ends[1];
    MUST(in);
}

static void close_pair(void)
{
    MUST(fclose(in) == 0);
    MUST(close(feed) == 0);
}

static void say_stream(const char *what)
{
    say("%s: end %d, error %d", what, feof(in) != 0, ferror(in) != 0);
}

static void *two_lines(void *unused)
{
    char line[20];
    for (int i = 0; i < 2; i++) {
        errno = 0;
        char *got = fgets(line, sizeof line, in);
        say("fgets: %s %s", got ? got : "nothing", error_name(errno));
        say_stream("then");
    }
    return unused;
}

static void at_the_end(void)
{
    open_pair("r");
    pthread_t thread = start(two_lines, NULL);
    settle();
    MUST(shutdown(feed, SHUT_WR) == 0);
    finish(thread);
    clearerr(in);
    say("after clearerr: %d", fgetc(in));
    close_pair();
}

static void without_waiting(void)
{
    open_pair("r");
    set_nonblocking(fileno(in));
    finish(start(two_lines, NULL));
    close_pair();
    open_pair("r");
    set_timeout(fileno(in), SO_RCVTIMEO, 30);
    long long since = now_ns(CLOCK_MONOTONIC);
    finish(start(two_lines, NULL));
    say_took_socket("two time-outs", since, 60);
    close_pair();
}

static void handler(int unused)
{
    (void)unused;
}

static void *one_line(void *unused)
{
    char *line = NULL;
    size_t room = 0;
    errno = 0;
    ssize_t got = getline(&line, &room, in);
    say("getline: %zd %s", got, error_name(errno));
    say_stream("then");
    free(line);
    return unused;
}

static void interrupted(int flags)
{
    handle(SIGUSR1, handler, flags);
    open_pair("r");
    pthread_t thread = start(one_line, NULL);
    settle();
    MUST(pthread_kill(thread, SIGUSR1) == 0);
    settle();
    MUST(write(feed, "text\n", 5) == 5);
    finish(thread);
    close_pair();
}

static void *answer(void *unused)
{
    char question[20];
    ssize_t got = read(feed, question, sizeof question);
    say("asked: %zd bytes", got);
    MUST(write(feed, "yes\n", 4) == 4);
    return unused;
}

static void *ask(void *unused)
{
    char line[20];
    MUST(fputs("really?", in) >= 0);
    MUST(fgets(line, sizeof line, in));
    say("answer: %s", line);
    return unused;
}

// What was written goes out before libc reads: on the stream itself, and on a line-buffered stdout for an unbuffered stream.
static void output_first(void)
{
    open_pair("r+");
    pthread_t first = start(ask, NULL), second = start(answer, NULL);
    finish(first);
    finish(second);
    close_pair();
}

static void *prompt(void *unused)
{
    printf("a prompt");
    say("typed: %c", fgetc(in));
    return unused;
}

static void prompt_first(void)
{
    int ends[2], before = dup(STDOUT_FILENO);
    char text[20] = "";
    MUST(pipe(ends) == 0);
    MUST(fflush(stdout) == 0 && setvbuf(stdout, NULL, _IOLBF, 0) == 0);
    MUST(before >= 0 && dup2(ends[1], STDOUT_FILENO) == STDOUT_FILENO);
    open_pair("r");
    MUST(setvbuf(in, NULL, _IONBF, 0) == 0);
    pthread_t thread = start(prompt, NULL);
    MUST(read(ends[0], text, sizeof text - 1) == 8);
    MUST(dup2(before, STDOUT_FILENO) == STDOUT_FILENO);
    say("prompted: %s", text);
    MUST(write(feed, "x", 1) == 1);
    finish(thread);
    close_pair();
}

static void *pushed_back(void *unused)
{
    char line[20];
    say("pushed back: %d", ungetc('p', in));
    MUST(fgets(line, 2, in));
    say("came back: %s", line);
    MUST(fgets(line, 1, in));
    say("no room to read: %zu", strlen(line));
    say("nothing to read: %zu", fread(line, 0, 5, in));
    return unused;
}

static void nothing_to_wait_for(void)
{
    open_pair("r");
    finish(start(pushed_back, NULL));
    close_pair();
    open_pair("w");
    errno = 0;
    int got = fgetc(in);
    say("not for reading: %d %s", got, error_name(errno));
    close_pair();
    char memory[] = "memory\n";
    in = fmemopen(memory, sizeof memory - 1, "r");
    finish(start(two_lines, NULL));
    MUST(fclose(in) == 0);
}

static void cleanup(void *unused)
{
    (void)unused;
    say("cleaned up");
}

static void *cancelled(void *unused)
{
    char line[20];
    pthread_cleanup_push(cleanup, NULL);
    fgets(line, sizeof line, in);
    say("not reached");
    pthread_cleanup_pop(0);
    return unused;
}

// The stream can be used after that: nobody holds its lock.
static void cancel_a_reader(void)
{
    open_pair("r");
    pthread_t thread = start(cancelled, NULL);
    settle();
    MUST(pthread_cancel(thread) == 0);
    say("cancelled: %d", finish(thread) == PTHREAD_CANCELED);
    MUST(write(feed, "then\n", 5) == 5);
    finish(start(one_line, NULL));
    close_pair();
}

int main(void)
{
    begin();
    at_the_end();
    without_waiting();
    interrupted(0);
    interrupted(SA_RESTART);
    output_first();
    prompt_first();
    nothing_to_wait_for();
    cancel_a_reader();
    return 0;
}
