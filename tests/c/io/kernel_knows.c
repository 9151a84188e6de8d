// What poll does not tell: a full named pipe and a full terminal, whose writers a signal and cancellation reach; a terminal that
// answers at once with nothing (VMIN 0); a named pipe that has never had a writer.
// cflags: -lutil
#include "oracle.h"

#include <pty.h>
#include <termios.h>

static int fd;
static char big[1 << 20];
static volatile sig_atomic_t handled;

static void handler(int unused)
{
    (void)unused;
    handled = 1;
}

static void *writer(void *unused)
{
    ssize_t written = write(fd, big, sizeof big);
    say("a part: %d", written > 0 && written < (ssize_t)sizeof big);
    return unused;
}

static void *cancelled(void *unused)
{
    ssize_t written = write(fd, big, sizeof big);
    (void)written;
    for (;;)
        pthread_testcancel();
    return unused;
}

static void fill(void)
{
    pthread_t thread = start(writer, NULL);
    settle();
    MUST(pthread_kill(thread, SIGUSR1) == 0);
    finish(thread);
    say("handled %d", (int)handled);
    handled = 0;
    thread = start(cancelled, NULL);
    settle();
    MUST(pthread_cancel(thread) == 0);
    say("cancelled %d", finish(thread) == PTHREAD_CANCELED);
}

static void *reader(void *unused)
{
    struct termios raw;
    char byte;
    MUST(tcgetattr(fd, &raw) == 0);
    cfmakeraw(&raw);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 1;
    MUST(tcsetattr(fd, TCSANOW, &raw) == 0);
    say_call("after a while", read(fd, &byte, 1));
    raw.c_cc[VTIME] = 0;
    MUST(tcsetattr(fd, TCSANOW, &raw) == 0);
    say_call("at once", read(fd, &byte, 1));
    return unused;
}

static void *without_writer(void *path)
{
    char byte;
    int end = open(path, O_RDONLY | O_NONBLOCK);
    MUST(end >= 0 && fcntl(end, F_SETFL, 0) == 0);
    say_call("no writer yet", read(end, &byte, 1));
    FILE *stream = fdopen(end, "r");
    MUST(stream);
    say("fgetc: %d, at the end %d", fgetc(stream), feof(stream) != 0);
    MUST(fclose(stream) == 0);
    return NULL;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_handler = handler};
    char folder[] = "/tmp/oracle.XXXXXX", path[64];
    int master;
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    MUST(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/fifo", folder);
    MUST(fresh_fifo(path));
    finish(start(without_writer, path));
    fd = open(path, O_RDWR);
    MUST(fd >= 0);
    fill();
    MUST(close(fd) == 0 && unlink(path) == 0 && rmdir(folder) == 0);

    MUST(openpty(&master, &fd, NULL, NULL, NULL) == 0);
    finish(start(reader, NULL));
    struct termios raw;
    MUST(tcgetattr(fd, &raw) == 0);
    cfmakeraw(&raw);
    MUST(tcsetattr(fd, TCSANOW, &raw) == 0);
    fill();
    return 0;
}
