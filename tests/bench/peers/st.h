/* State Threads in the place of pthreads: the programs of tests/bench are compiled with this file before them (cc -include).
 *
 * Each pthread or blocking call that they use becomes the State Threads call of the same meaning, so that both run the very same
 * program. State Threads keeps an object for each descriptor; it is found by the descriptor's number. One kernel thread; epoll where the
 * package has it, else poll.
 * Only what the programs use is here; flags and attributes that they do not set are refused or ignored. */
#ifndef BENCH_ST_H
#define BENCH_ST_H

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <st.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { BENCH_ST_STACK = 64 * 1024, BENCH_ST_DESCRIPTORS = 1 << 20 };

static st_netfd_t bench_st_files[BENCH_ST_DESCRIPTORS];

__attribute__((constructor, unused)) static void bench_st_start(void)
{
    st_set_eventsys(ST_EVENTSYS_ALT);
    if (*st_get_eventsys_name() == '\0') /* as Debian builds it: no epoll, and select would end at 1,024 descriptors */
        st_set_eventsys(ST_EVENTSYS_POLL);
    if (st_init() != 0)
        abort();
}

__attribute__((unused)) static st_netfd_t bench_st_file(int fd)
{
    if (bench_st_files[fd] == NULL)
        bench_st_files[fd] = st_netfd_open(fd);
    return bench_st_files[fd];
}

/* --- threads */

#define pthread_t st_thread_t
#define pthread_attr_t int
#define pthread_attr_init(attributes) (*(attributes) = 1, 0)
#define pthread_attr_setdetachstate(attributes, state) (*(attributes) = (state) == PTHREAD_CREATE_JOINABLE, 0)

__attribute__((unused)) static int bench_st_create(st_thread_t *thread, const int *joinable, void *(*body)(void *), void *argument)
{
    *thread = st_thread_create(body, argument, joinable == NULL || *joinable, BENCH_ST_STACK);
    return *thread == NULL ? EAGAIN : 0;
}

__attribute__((unused)) static int bench_st_join(st_thread_t thread, void **result)
{
    return st_thread_join(thread, result) == 0 ? 0 : errno;
}

#define pthread_create bench_st_create
#define pthread_join bench_st_join

/* --- locks: made at the first use, because State Threads has no static ones */

struct bench_st_mutex {
    st_mutex_t it;
};
struct bench_st_cond {
    st_cond_t it;
};

__attribute__((unused)) static int bench_st_lock(struct bench_st_mutex *mutex)
{
    if (mutex->it == NULL)
        mutex->it = st_mutex_new();
    return st_mutex_lock(mutex->it);
}

__attribute__((unused)) static int bench_st_unlock(struct bench_st_mutex *mutex)
{
    return st_mutex_unlock(mutex->it);
}

/* Unlocking does not switch, so nobody comes between it and the wait. */
__attribute__((unused)) static int bench_st_wait(struct bench_st_cond *cond, struct bench_st_mutex *mutex)
{
    if (cond->it == NULL)
        cond->it = st_cond_new();
    st_mutex_unlock(mutex->it);
    st_cond_wait(cond->it);
    return st_mutex_lock(mutex->it);
}

__attribute__((unused)) static int bench_st_signal(struct bench_st_cond *cond)
{
    return cond->it == NULL ? 0 : st_cond_signal(cond->it);
}

__attribute__((unused)) static int bench_st_broadcast(struct bench_st_cond *cond)
{
    return cond->it == NULL ? 0 : st_cond_broadcast(cond->it);
}

#undef PTHREAD_MUTEX_INITIALIZER
#undef PTHREAD_COND_INITIALIZER
#define PTHREAD_MUTEX_INITIALIZER {NULL}
#define PTHREAD_COND_INITIALIZER {NULL}
#define pthread_mutex_t struct bench_st_mutex
#define pthread_cond_t struct bench_st_cond
#define pthread_mutex_lock bench_st_lock
#define pthread_mutex_unlock bench_st_unlock
#define pthread_cond_wait bench_st_wait
#define pthread_cond_signal bench_st_signal
#define pthread_cond_broadcast bench_st_broadcast

/* --- time and descriptors */

/* st_usleep counts from the time that the scheduler last read, which is earlier: again, until the time has really passed. */
__attribute__((unused)) static int bench_st_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    (void)left;
    st_utime_t now, end = st_utime() + (st_utime_t)wanted->tv_sec * 1000000 + (st_utime_t)wanted->tv_nsec / 1000;
    while ((now = st_utime()) < end)
        if (st_usleep(end - now) != 0)
            return -1;
    return 0;
}

__attribute__((unused)) static int bench_st_accept(int fd, struct sockaddr *address, socklen_t *size)
{
    st_netfd_t accepted = st_accept(bench_st_file(fd), address, (int *)size, ST_UTIME_NO_TIMEOUT);
    if (accepted == NULL)
        return -1;
    bench_st_files[st_netfd_fileno(accepted)] = accepted;
    return st_netfd_fileno(accepted);
}

__attribute__((unused)) static ssize_t bench_st_read(int fd, void *data, size_t size)
{
    return st_read(bench_st_file(fd), data, size, ST_UTIME_NO_TIMEOUT);
}

__attribute__((unused)) static ssize_t bench_st_write(int fd, const void *data, size_t size)
{
    return st_write(bench_st_file(fd), data, size, ST_UTIME_NO_TIMEOUT);
}

__attribute__((unused)) static int bench_st_close(int fd)
{
    st_netfd_t file = bench_st_files[fd];
    bench_st_files[fd] = NULL;
    return file == NULL ? (close)(fd) : st_netfd_close(file);
}

#define nanosleep bench_st_nanosleep
#define accept bench_st_accept
#define read bench_st_read
#define write bench_st_write
#define recv(fd, data, size, flags) bench_st_read(fd, data, size)
#define send(fd, data, size, flags) bench_st_write(fd, data, size)
#define close bench_st_close

#endif
