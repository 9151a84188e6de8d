// A terminal: a line is read when it is complete, echoed, edited; raw bytes at once; the end when the master closes.
#include "oracle.h"

#include <pty.h>
#include <termios.h>

static int master, slave;

static void *line_reader(void *unused)
{
    char line[100];
    ssize_t got = read(slave, line, sizeof line);
    MUST(got > 0);
    say("a line of %zd: %.*s", got, (int)got - 1, line);
    return unused;
}

static void *raw_reader(void *unused)
{
    char byte = 0;
    MUST(read(slave, &byte, 1) == 1);
    say("a byte: %c", byte);
    return unused;
}

static void *at_the_end(void *unused)
{
    char byte;
    ssize_t got = read(slave, &byte, 1);
    say("the master has gone: %s", got == 0 ? "end of file" : error_name(errno));
    return unused;
}

int main(void)
{
    begin();
    struct termios mode;
    signal(SIGHUP, SIG_IGN);
    MUST(openpty(&master, &slave, NULL, NULL, NULL) == 0);
    pthread_t thread = start(line_reader, NULL);
    MUST(write(master, "hal", 3) == 3);
    sleep_ms(20);
    MUST(write(master, "\177lo\n", 4) == 4);
    finish(thread);
    MUST(tcgetattr(slave, &mode) == 0);
    cfmakeraw(&mode);
    MUST(tcsetattr(slave, TCSANOW, &mode) == 0);
    thread = start(raw_reader, NULL);
    sleep_ms(10);
    MUST(write(master, "x", 1) == 1);
    finish(thread);
    MUST(tcflush(master, TCIOFLUSH) == 0);
    say_call("write to the terminal", write(slave, "output", 6));
    char back[100];
    struct pollfd item = {.fd = master, .events = POLLIN};
    MUST(poll(&item, 1, 5000) == 1);
    say("the master reads something: %d", read(master, back, sizeof back) > 0);
    say("isatty: %d %d", isatty(slave), isatty(master));
    say("left non-blocking: %d", is_nonblocking(slave));
    thread = start(at_the_end, NULL);
    settle();
    MUST(close(master) == 0);
    finish(thread);
    return 0;
}
