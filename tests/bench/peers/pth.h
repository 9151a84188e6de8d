/* GNU Pth in the place of pthreads: the programs of tests/bench are compiled with this file before them (cc -include).
 *
 * Each pthread or blocking call that they use becomes the Pth call of the same meaning. Pth waits with select, whose sets end at 1,024
 * descriptors, and looks through all its threads each time: it takes part where that is not the whole story. One kernel thread. */
#ifndef BENCH_PTH_H
#define BENCH_PTH_H

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <pth.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

__attribute__((constructor, unused)) static void bench_pth_start(void)
{
    signal(SIGPIPE, SIG_IGN); /* a client that goes must not end the server: Pth sends with write, which takes no MSG_NOSIGNAL */
    if (!pth_init())
        abort();
}

/* --- threads */

#define pthread_t pth_t
#define pthread_attr_t pth_attr_t
#define pthread_attr_init(attributes) ((*(attributes) = pth_attr_new()) == NULL ? ENOMEM : 0)
#define pthread_attr_setdetachstate(attributes, state) \
    (pth_attr_set(*(attributes), PTH_ATTR_JOINABLE, (state) == PTHREAD_CREATE_JOINABLE) ? 0 : EINVAL)

__attribute__((unused)) static int bench_pth_create(pth_t *thread, const pth_attr_t *attributes, void *(*body)(void *), void *argument)
{
    *thread = pth_spawn(attributes == NULL ? PTH_ATTR_DEFAULT : *attributes, body, argument);
    return *thread == NULL ? EAGAIN : 0;
}

__attribute__((unused)) static int bench_pth_join(pth_t thread, void **result)
{
    return pth_join(thread, result) ? 0 : errno;
}

#define pthread_create bench_pth_create
#define pthread_join bench_pth_join

#define sched_yield() pth_yield(NULL)

/* --- locks */

__attribute__((unused)) static int bench_pth_lock(pth_mutex_t *mutex)
{
    return pth_mutex_acquire(mutex, FALSE, NULL) ? 0 : errno;
}

__attribute__((unused)) static int bench_pth_unlock(pth_mutex_t *mutex)
{
    return pth_mutex_release(mutex) ? 0 : errno;
}

__attribute__((unused)) static int bench_pth_wait(pth_cond_t *cond, pth_mutex_t *mutex)
{
    return pth_cond_await(cond, mutex, NULL) ? 0 : errno;
}

#undef PTHREAD_MUTEX_INITIALIZER
#undef PTHREAD_COND_INITIALIZER
#define PTHREAD_MUTEX_INITIALIZER PTH_MUTEX_INIT
#define PTHREAD_COND_INITIALIZER PTH_COND_INIT
#define pthread_mutex_t pth_mutex_t
#define pthread_cond_t pth_cond_t
#define pthread_mutex_lock bench_pth_lock
#define pthread_mutex_unlock bench_pth_unlock
#define pthread_cond_wait bench_pth_wait
#define pthread_cond_signal(cond) (pth_cond_notify(cond, FALSE) ? 0 : errno)
#define pthread_cond_broadcast(cond) (pth_cond_notify(cond, TRUE) ? 0 : errno)

/* --- time and descriptors */

#define nanosleep pth_nanosleep
#define accept pth_accept
#define read pth_read
#define write pth_write
#define recv(fd, data, size, flags) pth_recv(fd, data, size, 0)
#define send(fd, data, size, flags) pth_send(fd, data, size, 0)

#endif
