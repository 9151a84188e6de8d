// Descriptors that tell of signals and of files: readers wait on them like on a pipe.
#include "oracle.h"

#include <sys/inotify.h>
#include <sys/signalfd.h>

static int signals, watch;

static void *signal_reader(void *unused)
{
    struct signalfd_siginfo info;
    MUST(read(signals, &info, sizeof info) == sizeof info);
    say("signal %u, by myself: %d", info.ssi_signo, info.ssi_pid == (uint32_t)getpid());
    return unused;
}

static void *file_watcher(void *unused)
{
    _Alignas(struct inotify_event) char data[4096];
    ssize_t got = read(watch, data, sizeof data);
    MUST(got > 0);
    const struct inotify_event *event = (const struct inotify_event *)data;
    say("event %x: %s", event->mask, event->name);
    return unused;
}

int main(void)
{
    begin();
    sigset_t set;
    char directory[] = "/tmp/greenlet-oracle-XXXXXX", path[64];
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    signals = signalfd(-1, &set, SFD_CLOEXEC);
    MUST(signals >= 0);
    pthread_t thread = start(signal_reader, NULL);
    settle();
    MUST(kill(getpid(), SIGUSR1) == 0);
    finish(thread);

    MUST(mkdtemp(directory));
    watch = inotify_init1(IN_CLOEXEC);
    MUST(inotify_add_watch(watch, directory, IN_CREATE) >= 0);
    thread = start(file_watcher, NULL);
    settle();
    snprintf(path, sizeof path, "%s/new", directory);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    MUST(fd >= 0 && close(fd) == 0);
    finish(thread);
    MUST(unlink(path) == 0 && rmdir(directory) == 0);
    return 0;
}
