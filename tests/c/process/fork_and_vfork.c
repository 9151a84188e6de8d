// Threads fork and vfork at the same time, while others make threads and keys, load a library, set dispositions and serve a
// socket: each child finds what it should, and nobody is left waiting.
#include "oracle.h"

#include <dlfcn.h>

static bool stop;
static int wrong, ends[2];

static void check(bool right)
{
    if (!right)
        __atomic_add_fetch(&wrong, 1, __ATOMIC_SEQ_CST);
}

static bool stopped(void)
{
    return __atomic_load_n(&stop, __ATOMIC_SEQ_CST);
}

static void *vforks(void *unused)
{
    for (int i = 0; i < 25; i++) {
        volatile int written = -1;
        int status;
        pid_t child = vfork();
        if (child == 0) {
            written = i;
            for (int fd = 3; fd < 50; fd++)
                close(fd);
            _exit(0);
        }
        check(waitpid(child, &status, 0) == child && status == 0 && written == i);
    }
    return unused;
}

static void *forks(void *unused)
{
    for (int i = 0; i < 10; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            begin();
            finish(start(return_it, NULL));
            pid_t grandchild = vfork();
            if (grandchild == 0)
                _exit(3);
            if (waitpid(grandchild, &status, 0) != grandchild || WEXITSTATUS(status) != 3)
                _exit(5);
            _exit(4);
        }
        check(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 4);
    }
    return unused;
}

static void *makes_threads(void *unused)
{
    while (!stopped()) {
        finish(start(return_it, NULL));
        usleep(100);
    }
    return unused;
}

static void *sets_things(void *unused)
{
    while (!stopped()) {
        pthread_key_t key;
        MUST(pthread_key_create(&key, NULL) == 0 && pthread_key_delete(key) == 0);
        void *library = dlopen("libm.so.6", RTLD_NOW);
        MUST(library && dlclose(library) == 0);
        MUST(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
        usleep(200);
    }
    return unused;
}

static void *echoes(void *unused)
{
    char byte;
    while (recv(ends[0], &byte, 1, 0) == 1)
        MUST(send(ends[0], &byte, 1, 0) == 1);
    return unused;
}

static void *asks(void *unused)
{
    for (char byte = 'a'; !stopped(); usleep(100)) {
        char got = 0;
        MUST(send(ends[1], &byte, 1, 0) == 1 && recv(ends[1], &got, 1, 0) == 1);
        check(got == byte);
    }
    MUST(shutdown(ends[1], SHUT_RDWR) == 0);
    return unused;
}

int main(void)
{
    begin();
    stream_pair(ends);
    pthread_t busy[] = {start(makes_threads, NULL), start(sets_things, NULL), start(echoes, NULL), start(asks, NULL)};
    pthread_t workers[] = {start(vforks, NULL), start(forks, NULL), start(vforks, NULL), start(forks, NULL)};
    forks(NULL);
    vforks(NULL);
    for (int i = 0; i < 4; i++)
        finish(workers[i]);
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 4; i++)
        finish(busy[i]);
    say("wrong: %d", wrong);
    return 0;
}
