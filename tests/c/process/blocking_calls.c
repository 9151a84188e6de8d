// Calls that wait in the kernel or inside libc for what no descriptor tells of, while another thread has work: posix_spawn whose
// child opens a named pipe first, lists of asynchronous reads. The other runs at once, not when somebody notices. The fastest
// of several rounds counts, because the machine may be busy.
#include "oracle.h"

#include <aio.h>
#include <spawn.h>
#include <termios.h>

enum { ROUNDS = 12 };

extern char **environ;
static char name[64];
static long long since;
static sem_t about_to_block;
static int ends[2];

static void *open_the_pipe(void *took)
{
    MUST(sem_wait(&about_to_block) == 0);
    *(long long *)took = now_ns(CLOCK_MONOTONIC) - since;
    int fd;
    while ((fd = open(name, O_WRONLY | O_NONBLOCK)) == -1)
        sleep_ms(1);
    return (void *)(intptr_t)fd;
}

static void *write_a_byte(void *took)
{
    MUST(sem_wait(&about_to_block) == 0);
    *(long long *)took = now_ns(CLOCK_MONOTONIC) - since;
    MUST(write(ends[1], "x", 1) == 1);
    return NULL;
}

// Makes the other thread one that could run; this one goes on, into its call.
static void about_to(void)
{
    sleep_ms(1);
    since = now_ns(CLOCK_MONOTONIC);
    MUST(sem_post(&about_to_block) == 0);
}

static void spawn(void)
{
    char *arguments[] = {"true", NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status;
    MUST(posix_spawn_file_actions_init(&actions) == 0);
    MUST(posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, name, O_RDONLY, 0) == 0);
    about_to();
    MUST(posix_spawnp(&child, "true", &actions, NULL, arguments, environ) == 0);
    MUST(waitpid(child, &status, 0) == child && status == 0);
    MUST(posix_spawn_file_actions_destroy(&actions) == 0);
}

static struct aiocb request(char *byte)
{
    struct aiocb request;
    memset(&request, 0, sizeof request);
    request.aio_fildes = ends[0];
    request.aio_buf = byte;
    request.aio_nbytes = 1;
    request.aio_lio_opcode = LIO_READ;
    return request;
}

static void list(void)
{
    char byte = 0;
    struct aiocb read = request(&byte), *all[] = {&read};
    about_to();
    MUST(lio_listio(LIO_WAIT, all, 1, NULL) == 0 && byte == 'x');
}

static void suspend(void)
{
    char byte = 0;
    struct aiocb read = request(&byte);
    const struct aiocb *all[] = {&read};
    MUST(aio_read(&read) == 0);
    about_to();
    while (aio_error(&read) == EINPROGRESS)
        MUST(aio_suspend(all, 1, NULL) == 0);
    MUST(aio_return(&read) == 1 && byte == 'x');
}

static void run(const char *what, void (*call)(void), void *(*other)(void *))
{
    long long fastest = LLONG_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        long long took = 0;
        pthread_t thread = start(other, &took);
        call();
        int fd = (int)(intptr_t)finish(thread);
        if (fd > 0)
            MUST(close(fd) == 0);
        fastest = took < fastest ? took : fastest;
    }
    say("%s: the other runs at once: %d", what, fastest < 3000000);
}

// These come back at once here; what they answer must be the same.
static void *answers(void *unused)
{
    char text[] = "/tmp/greenlet-oracle-XXXXXX";
    int file = mkstemp(text), copy = memfd_create("copy", 0);
    struct termios settings;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    MUST(file >= 0 && copy >= 0 && page != MAP_FAILED && unlink(text) == 0);
    MUST(write(file, "0123456789", 10) == 10);
    say_call("msync", msync(page, 4096, MS_SYNC));
    say_call("msync, wrong", msync(page, 4096, MS_SYNC | MS_ASYNC));
    say_call("sync_file_range", sync_file_range(file, 0, 10, SYNC_FILE_RANGE_WRITE));
    say_call("syncfs", syncfs(-1));
    off_t from = 2;
    say_call("copy_file_range", copy_file_range(copy, NULL, file, &from, 5, 0));
    memset(&settings, 0, sizeof settings);
    say_call("tcsetattr", tcsetattr(file, TCSADRAIN, &settings));
    say_call("tcsendbreak", tcsendbreak(file, 0));
    say_call("lio_listio", lio_listio(LIO_WAIT, NULL, 0, NULL));
    FILE *stream = popen("exit 3", "w");
    MUST(stream);
    int status = pclose(stream);
    say("popen: exit %d", WEXITSTATUS(status));
    MUST(close(file) == 0 && close(copy) == 0 && munmap(page, 4096) == 0);
    return unused;
}

int main(void)
{
    begin();
    snprintf(name, sizeof name, "/tmp/greenlet-oracle-%d.fifo", getpid());
    MUST(fresh_fifo(name) && pipe(ends) == 0 && sem_init(&about_to_block, 0, 0) == 0);
    run("posix_spawn", spawn, open_the_pipe);
    run("lio_listio", list, write_a_byte);
    run("aio_suspend", suspend, write_a_byte);
    finish(start(answers, NULL));
    MUST(unlink(name) == 0);
    return 0;
}
