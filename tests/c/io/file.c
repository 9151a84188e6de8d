// Regular files by many threads: no call on them waits, positions are shared or given, appends do not overlap.
#include "oracle.h"

enum { THREADS = 10, EACH = 100 };

static int fd, append_fd;

static void *body(void *number)
{
    intptr_t me = (intptr_t)number;
    char record[16], back[16];
    for (int i = 0; i < EACH; i++) {
        snprintf(record, sizeof record, "%04d %08d\n", (int)me, i);
        MUST(pwrite(fd, record, 14, (me * EACH + i) * 14) == 14);
        MUST(pread(fd, back, 14, (me * EACH + i) * 14) == 14);
        MUST(memcmp(record, back, 14) == 0);
        MUST(write(append_fd, record, 14) == 14);
        if (i % 20 == 0)
            MUST(fsync(fd) == 0 || errno == EINVAL);
    }
    return NULL;
}

int main(void)
{
    begin();
    char name[] = "/tmp/greenlet-oracle-XXXXXX", line[32];
    pthread_t threads[THREADS];
    int next[THREADS] = {0}, wrong = 0;
    fd = mkstemp(name);
    MUST(fd >= 0);
    append_fd = open(name, O_RDWR | O_APPEND);
    MUST(append_fd >= 0 && unlink(name) == 0);
    int appended = memfd_create("appended", 0);
    MUST(appended >= 0 && fcntl(appended, F_SETFL, O_APPEND) == 0);
    MUST(dup2(appended, append_fd) == append_fd);
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = start(body, (void *)i);
    for (int i = 0; i < THREADS; i++)
        finish(threads[i]);
    say("size %ld, appended %ld", (long)lseek(fd, 0, SEEK_END), (long)lseek(append_fd, 0, SEEK_END));
    MUST(lseek(append_fd, 0, SEEK_SET) == 0);
    FILE *stream = fdopen(append_fd, "r");
    while (fgets(line, sizeof line, stream)) {
        int who = atoi(line), which = atoi(line + 5);
        wrong += strlen(line) != 14 || which != next[who]++;
    }
    say("wrong records: %d", wrong);
    MUST(fclose(stream) == 0);
    say_call("read at the end", read(fd, line, 1));
    say_call("ftruncate", ftruncate(fd, 10));
    say("size %ld", (long)lseek(fd, 0, SEEK_END));
    int directory = open("/", O_RDONLY | O_DIRECTORY);
    say_call("read a directory", read(directory, line, 1));
    say_call("read what is open for writing", read(open("/dev/null", O_WRONLY), line, 1));
    say_call("/dev/null", read(open("/dev/null", O_RDONLY), line, 1));
    say_call("/dev/zero", read(open("/dev/zero", O_RDONLY), line, 7));
    return 0;
}
