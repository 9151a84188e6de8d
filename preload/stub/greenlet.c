/*
 * The calls of greenlet.h without greenlets, for machines where the real library cannot be: greenlet_init says ENOSYS, and a program that
 * goes on without the model can still sleep, yield and ask. It has the real library's soname and symbol version, so that
 * a program linked with either finds the other.
 *
 *     cc -shared -fPIC -Wl,-soname,libgreenlet.so.0 -Wl,--version-script,stub.map greenlet.c -o libgreenlet.so.0
 */
#include "../include/greenlet.h"

#include <errno.h>
#include <sched.h>
#include <time.h>

#define REFUSED(type, name, parameters, failure) \
    type name parameters \
    { \
        errno = ENOSYS; \
        return failure; \
    }

#pragma GCC diagnostic ignored "-Wunused-parameter"

REFUSED(int, greenlet_init, (unsigned flags), -1)
REFUSED(int, greenlet_wrap_socket, (void), -1)
REFUSED(int, greenlet_wrap_select, (void), -1)
REFUSED(int, greenlet_wrap_thread, (void), -1)
REFUSED(int, greenlet_wrap_time, (void), -1)
REFUSED(int, greenlet_wrap_dns, (void), -1)
REFUSED(int, greenlet_wrap_process, (void), -1)
REFUSED(int, greenlet_wrap_signal, (void), -1)
REFUSED(int, greenlet_wrap_file, (void), -1)
REFUSED(int, greenlet_wrap_all, (void), -1)
REFUSED(greenlet_t, greenlet_spawn, (void *(*start)(void *), void *arg), 0)
REFUSED(int, greenlet_join, (greenlet_t greenlet, void **value), -1)
REFUSED(int, greenlet_detach, (greenlet_t greenlet), -1)
REFUSED(int, greenlet_kill, (greenlet_t greenlet), -1)
REFUSED(greenlet_timer_t, greenlet_call_after, (double seconds, void *(*start)(void *), void *arg), 0)
REFUSED(greenlet_timer_t, greenlet_call_after_global, (double seconds, void *(*start)(void *), void *arg), 0)
REFUSED(greenlet_timer_t, greenlet_exc_after, (double seconds, int error), 0)
REFUSED(int, greenlet_with_timeout,
        (double seconds, void *(*start)(void *), void *arg, void *timeout_value, void **value), -1)
REFUSED(greenlet_event_t *, greenlet_event_new, (void), NULL)
REFUSED(int, greenlet_event_send, (greenlet_event_t *event, void *value), -1)
REFUSED(int, greenlet_event_send_exception, (greenlet_event_t *event, int error), -1)
REFUSED(int, greenlet_event_wait, (greenlet_event_t *event, double seconds, void **value), -1)
REFUSED(int, greenlet_event_ready, (greenlet_event_t *event), -1)
REFUSED(int, greenlet_event_reset, (greenlet_event_t *event), -1)
REFUSED(greenlet_sem_t *, greenlet_sem_new, (unsigned count), NULL)
REFUSED(int, greenlet_sem_acquire, (greenlet_sem_t *sem, double seconds), -1)
REFUSED(int, greenlet_sem_release, (greenlet_sem_t *sem), -1)
REFUSED(greenlet_queue_t *, greenlet_queue_new, (size_t capacity), NULL)
REFUSED(int, greenlet_queue_put, (greenlet_queue_t *queue, void *item, double seconds), -1)
REFUSED(int, greenlet_queue_get, (greenlet_queue_t *queue, double seconds, void **item), -1)
REFUSED(ssize_t, greenlet_queue_length, (greenlet_queue_t *queue), -1)
REFUSED(int, greenlet_tcp_listener, (const char *host, int port, int backlog), -1)
REFUSED(int, greenlet_connect_tcp, (const char *host, int port, const char *local), -1)
REFUSED(int, greenlet_ssl_listener, (const char *host, int port, const char *certificates, const char *key, int backlog), -1)
REFUSED(int, greenlet_connect_ssl, (const char *host, int port, const char *options), -1)

const char *greenlet_version(void)
{
    return "0.1.0-stub";
}

int greenlet_active(void)
{
    return 0;
}

greenlet_t greenlet_current(void)
{
    return 0;
}

int greenlet_yield(void)
{
    return sched_yield();
}

int greenlet_sleep(double seconds)
{
    if (seconds != seconds) {
        errno = EINVAL;
        return -1;
    }
    if (seconds <= 0)
        return sched_yield();
    if (seconds > 1e9)
        seconds = 1e9;
    struct timespec left = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
    return 0;
}

int greenlet_timer_cancel(greenlet_timer_t timer)
{
    return 0;
}

int greenlet_native_begin(void)
{
    return 0;
}

int greenlet_native_end(void)
{
    return 0;
}

void greenlet_event_free(greenlet_event_t *event)
{
}

void greenlet_sem_free(greenlet_sem_t *sem)
{
}

void greenlet_queue_free(greenlet_queue_t *queue)
{
}
