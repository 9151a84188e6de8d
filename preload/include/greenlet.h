/*
 * greenlet.h: greenlets, for programs that opt in.
 *
 * A greenlet is a thread that takes turns with all other greenlets of the process: one of them runs at a time, until it waits, yields
 * or ends. Otherwise it is a pthread: it has its own errno, thread-local variables, signal mask and pthread_t, and may call
 * everything that a thread may. Whatever would block it (a socket, a lock, a sleep, a look-up) parks it, and the next greenlet has its
 * turn. The order in which greenlets become runnable is the order of their turns, so a greenlet that was made first begins first.
 *
 * Other threads of the program run beside greenlets and may use every call here. A greenlet that gets a kernel thread of its own, as by
 * greenlet_native_begin or because it asks for what only such a thread has (an affinity, a priority, credentials, a robust mutex), runs
 * beside the others from then on. One that makes children does not: they are told of the process's end (PR_SET_PDEATHSIG), not of
 * the greenlet's. Who waits where the library cannot see it (a raw system call, scanf, a FILE that is written) keeps the turn meanwhile,
 * as who computes does.
 *
 * In the child of fork(2) there are none of the parent's greenlets, whose handles are stale ones there. The thread that forked is the
 * child's first, and becomes a greenlet with the first call that needs that: spawn, kill, the timers, and those that make objects.
 *
 * Link with -lgreenlet, or preload the library. One that is linked, or loaded by dlopen(3), does nothing before greenlet_init: threads are
 * kernel threads. Calls that return an int return 0, or -1 with errno set.
 *
 * Every call is thread-safe. None is async-signal-safe, but greenlet_version, greenlet_active and greenlet_current.
 */
#ifndef GREENLET_H
#define GREENLET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A greenlet's handle. 0 is nobody's. It stays valid until the greenlet has been joined, or has ended after it was detached; then
 * it is a stale one, which every call knows as such. (After 4,194,303 other greenlets that had the same memory it may be
 * another's.) A number that never was a handle must not be given to any call.
 */
typedef uint64_t greenlet_t;

/* What greenlet_join tells of a greenlet that was killed. */
#define GREENLET_KILLED ((void *)-1)

/* A flag of greenlet_init: no call parks before greenlet_wrap_socket and its kin say so. */
#define GREENLET_MANUAL 1u

/*
 * Starts the model, at any time, in the process's first thread. flags: 0, and then everything parks that can (or what GREENLET_PATCH in
 * the environment says), or GREENLET_MANUAL. Later calls do nothing, in whatever thread. The first caller becomes a greenlet itself,
 * and has the turn when this returns.
 *
 * In a program that is linked with the library the pthreads made from now on are green threads. Those made before stay kernel
 * threads; where they wait in libc at this moment, for a mutex, a condition, a read-write lock, a semaphore, a pthread_once, a futex
 * or a descriptor, they are woken by the new ones too. Not so in a barrier: it must not be used by others until they have left it. With
 * such threads the call takes 20 ms, in which those that were just unlocking something come to an end.
 *
 * EINVAL: unknown flags. ENOTSUP: the library is switched off (GREENLET_DISABLE), or cannot work with this C library, or the
 * first call does not come from the process's first thread and nothing has started yet.
 */
int greenlet_init(unsigned flags);

/*
 * Patch sets, for the whole process and for good; each call may come at any time, before greenlet_init too, and however often. They
 * matter after GREENLET_MANUAL, or where GREENLET_PATCH names some sets only. Calls of a set that is not wrapped are libc's own: each
 * holds a kernel thread while it waits, and the others, greenlets too, go on; greenlet_exc_after does not end it, a kill does.
 *
 * socket: connect, accept, recv, send and their kin. file: sendfile, splice, what takes input from a FILE, and read, write and their kin,
 * which park with socket too. select: poll, select, epoll_wait and their kin. time: sleep and its kin. thread: pthread_create and
 * thrd_create make green threads; without it kernel threads, which run beside all others and may use every call here.
 *
 * dns (getaddrinfo and such), process (waitpid, system and such) and signal (sigwait, pause and such) do the same whether they are wrapped
 * or not: look-ups and waits for children are libc's in either case, and hold a kernel thread; the signals of green threads are kept by
 * the library, so that it alone can wait for them, also in ppoll, pselect and epoll_pwait, which always park. Locks, conditions, joins and
 * yields belong to no set, since green and kernel threads share what they are about. The calls of this file are always the library's.
 *
 * A set may need another: a program that waits in poll before it receives gains nothing by socket without select; and in one that is
 * only preloaded, and makes no greenlets, the others do nothing without thread.
 * ENOTSUP: the library is switched off (GREENLET_DISABLE), or cannot work with this C library.
 */
int greenlet_wrap_socket(void);
int greenlet_wrap_select(void);
int greenlet_wrap_thread(void);
int greenlet_wrap_time(void);
int greenlet_wrap_dns(void);
int greenlet_wrap_process(void);
int greenlet_wrap_signal(void);
int greenlet_wrap_file(void);
int greenlet_wrap_all(void);

/* The library's version, as "1.2.3". */
const char *greenlet_version(void);

/* 1 once greenlet_init has succeeded, else 0. */
int greenlet_active(void);

/*
 * Makes a greenlet that calls start(arg); what that returns is its value. It begins when its turn comes, after those that were made
 * before it. It has to be joined or detached. A C++ exception that leaves start ends the process, as in a thread.
 * Returns its handle; 0 with errno: EPERM: greenlet_init has not been called. EINVAL: start is NULL. EAGAIN: no memory, or no
 * room for another stack.
 */
greenlet_t greenlet_spawn(void *(*start)(void *), void *arg);

/*
 * Waits until the greenlet has ended, and writes its value to *value unless that is NULL. A cancellation point.
 * ESRCH: a stale handle. EINVAL: detached, or another thread is joining it. EDEADLK: it is the caller, or is joining the caller.
 */
int greenlet_join(greenlet_t greenlet, void **value);

/*
 * The greenlet need not be joined: what it has is given back when it ends. ESRCH: a stale handle. EINVAL: detached already, or
 * somebody is joining it.
 */
int greenlet_detach(greenlet_t greenlet);

/*
 * Ends a greenlet: it unwinds, as by pthread_cancel(3), from the call in which it waits or next would wait, running its cleanup
 * handlers and C++ destructors. One that has not begun never runs. One that has ended, or a stale handle: nothing happens. The
 * caller yields once, and errors that were thrown into it wait for its next call. A greenlet that kills itself unwinds at once. A lock that
 * it waits for is waited for first.
 * EPERM: greenlet_init has not been called. ENOTSUP: this libc is not one in which a thread can be cancelled so.
 */
int greenlet_kill(greenlet_t greenlet);

/* The calling greenlet; 0 in any other thread. */
greenlet_t greenlet_current(void);

/*
 * Waits for so many seconds, on the monotonic clock; handlers of signals do not end it. Zero, or less: yields once. A cancellation
 * point. EINVAL: not a number.
 */
int greenlet_sleep(double seconds);

/* Lets the other greenlets, and threads, have their turn. A cancellation point, and fails as greenlet_exc_after says. */
int greenlet_yield(void);

/*
 * A timer's handle; 0 is nobody's. It may be given to greenlet_timer_cancel at any time, however often. Timers go by the monotonic
 * clock; those of equal deadlines fire in the order in which they were set.
 */
typedef uint64_t greenlet_timer_t;

/*
 * Calls start(arg) in a greenlet of its own, which may block, after so many seconds. What it returns is lost. It is dropped if the
 * greenlet that set the timer has ended by then; with _global, and in a thread that is no greenlet, it is called whatever happens.
 * Returns the timer; 0 with errno: EPERM: greenlet_init has not been called. EINVAL: start is NULL, seconds is not a number.
 * EAGAIN: as greenlet_spawn.
 */
greenlet_timer_t greenlet_call_after(double seconds, void *(*start)(void *), void *arg);
greenlet_timer_t greenlet_call_after_global(double seconds, void *(*start)(void *), void *arg);

/*
 * After so many seconds the call in which the calling greenlet waits or yields, or next does, fails with this error number: every call that
 * is a cancellation point and says errors by errno or returns them, but for the waits for a condition. One that need not wait does not
 * fail, nor does one that is libc's own: where the greenlet has a kernel thread of its own, or the call's patch set is not wrapped. Several
 * are independent: each ends one call, in the order in which they fired. An error number of 0 kills the greenlet instead.
 * Returns the timer; 0 with errno: EPERM: the caller is no greenlet. EINVAL: seconds is not a number, or the error number is negative.
 */
greenlet_timer_t greenlet_exc_after(double seconds, int error);

/* Cancels a timer: 1 if it had not fired, else 0, and nothing happens. */
int greenlet_timer_cancel(greenlet_timer_t timer);

/*
 * Calls start(arg), as the calling greenlet, with a greenlet_exc_after of ETIMEDOUT that is cancelled when start returns, or an exception
 * leaves it. If a call in start has failed because of that timer, and no other, *value becomes timeout_value and 1 is returned; if not,
 * *value becomes what start returned and 0 is returned. The time-outs of callers around it make calls in start fail too, and are theirs to
 * tell of.
 * value may be NULL. -1 with errno: EPERM: the caller is no greenlet. EINVAL: start is NULL, seconds is not a number.
 */
int greenlet_with_timeout(double seconds, void *(*start)(void *), void *arg, void *timeout_value, void **value);

/*
 * From begin to end the calling thread has a kernel thread of its own, for what must not share one. It runs beside all others; a
 * greenlet takes no turns from then on. The thread keeps its kernel thread after the end: what was changed there by system calls (an
 * affinity, a filter, a keyring) nobody else is to find. Begin something that must stay green in another greenlet.
 * begin: EAGAIN: the process may have no more kernel threads, and the others would have none.
 */
int greenlet_native_begin(void);
int greenlet_native_end(void);

/*
 * Events, semaphores and queues: between greenlets, and between them and all other threads, kernel threads too. The calls that wait
 * take the longest time in seconds: 0 to look only, GREENLET_FOREVER (or anything negative) for no end. They are cancellation points,
 * greenlet_exc_after ends them, handlers of signals do not.
 * Errors of all: EINVAL: the object is NULL, the seconds are not a number. ETIMEDOUT: the time is over. Those of _new: NULL with errno:
 * EPERM: greenlet_init has not been called. _free: nobody may be using the object, or use it later; NULL: nothing happens.
 */
#define GREENLET_FOREVER (-1.0)

/*
 * An event carries one value, or one error, to all who wait for it, and to those who come later. send: EALREADY: it has been sent;
 * reset makes it one that has not. send_exception: the waits fail with this error number; EINVAL: it is not positive. Who waits
 * when it is sent gets what was sent, or what was sent since, even if the event is reset before its turn. ready: 1 when sent, 0 when not, -1 as above.
 */
typedef struct greenlet_event greenlet_event_t;
greenlet_event_t *greenlet_event_new(void);
int greenlet_event_send(greenlet_event_t *event, void *value);
int greenlet_event_send_exception(greenlet_event_t *event, int error);
int greenlet_event_wait(greenlet_event_t *event, double seconds, void **value);
int greenlet_event_ready(greenlet_event_t *event);
int greenlet_event_reset(greenlet_event_t *event);
void greenlet_event_free(greenlet_event_t *event);

/* A counting semaphore. release: EOVERFLOW: the count would pass UINT_MAX. */
typedef struct greenlet_sem greenlet_sem_t;
greenlet_sem_t *greenlet_sem_new(unsigned count);
int greenlet_sem_acquire(greenlet_sem_t *sem, double seconds);
int greenlet_sem_release(greenlet_sem_t *sem);
void greenlet_sem_free(greenlet_sem_t *sem);

/*
 * A queue of so many pointers at most, first in, first out. put waits while it is full, get while it is empty. new: EINVAL: the capacity
 * is 0. length: how many it holds, or -1. What it still holds when it is freed is lost.
 */
typedef struct greenlet_queue greenlet_queue_t;
greenlet_queue_t *greenlet_queue_new(size_t capacity);
int greenlet_queue_put(greenlet_queue_t *queue, void *item, double seconds);
int greenlet_queue_get(greenlet_queue_t *queue, double seconds, void **item);
ssize_t greenlet_queue_length(greenlet_queue_t *queue);
void greenlet_queue_free(greenlet_queue_t *queue);

/*
 * A TCP socket that listens at the first address of host that it can be bound to, with SO_REUSEADDR. host is a name or an address; an
 * IPv6 one serves IPv6 alone. NULL: all addresses of both families, by one socket (of IPv4 where the kernel has no other). port: 0
 * for one that the kernel chooses. backlog: as listen(2). Close it with close(2), accept with accept(2); it blocks, and is closed on
 * exec. May be called before greenlet_init.
 * Returns a descriptor, or -1 with errno: EINVAL: no such port. Of the look-up: ENOENT: no such host, or it has no address. EAGAIN: no
 * name server answers at present. EIO: one says that it cannot. EAFNOSUPPORT: the host has addresses of other families only. ENOMEM.
 * Else of socket(2), bind(2) and listen(2), at the last address that was tried: EADDRINUSE, EADDRNOTAVAIL, EACCES, EMFILE and such.
 */
int greenlet_tcp_listener(const char *host, int port, int backlog);

/*
 * A TCP connection to a port of host, a name or an address; NULL: this machine. The addresses are tried as RFC 8305 says: those of IPv6
 * and of IPv4 by turns, in the order of getaddrinfo(3); the next when one has failed, or has not answered for a quarter of a second; the
 * first that answers wins. local: a name or an address of this machine to connect from, or NULL. The socket blocks, and is
 * closed on exec. A greenlet_exc_after ends the wait, at the look-up's end if it comes during that; handlers of signals do not,
 * nor does an error number of EINTR. A cancellation point. May be called before greenlet_init.
 * Returns a descriptor, or -1 with errno: those of the look-up as of greenlet_tcp_listener. EADDRNOTAVAIL: local is no address of
 * this machine, or of another family than host's. Else of connect(2) at the last address that failed: ECONNREFUSED, ETIMEDOUT,
 * ENETUNREACH, EHOSTUNREACH and such.
 */
int greenlet_connect_tcp(const char *host, int port, const char *local);

/*
 * greenlet_tcp_listener for TLS: what is accepted from it, and from any other socket on its port, speaks TLS 1.2 or 1.3, and its
 * descriptor carries what is in it, as a plain one. certificates, key: files in PEM, the server's own certificate first; read now, and
 * again when they have changed. accept(2) does not wait for the handshake; what is used of the connection first does, for
 * $GREENLET_TLS_TIMEOUT seconds (30). A connection that is cut, or whose handshake fails, ends with ECONNRESET.
 * Returns a descriptor, or -1 with errno, having said on stderr what is wrong with which file: those of open(2) and read(2), EINVAL: it is
 * not PEM, not a certificate of now, not its key, or NULL. ENOTSUP: GREENLET_DISABLE is set. Else as greenlet_tcp_listener.
 */
int greenlet_ssl_listener(const char *host, int port, const char *certificates, const char *key, int backlog);

/*
 * greenlet_connect_tcp, and then a handshake of TLS, which has succeeded when this returns: the server has a certificate for that host.
 * options: NULL, or some of these with colons between them: ca=FILE: the authorities that count, instead of the system's; name=NAME:
 * whose certificate it must be, instead of host's ("localhost" where that is NULL); alpn=NAME+NAME: application protocols, best
 * first; certificates=FILE and key=FILE: our own; min=1.3: no TLS 1.2. Files are PEM. A cancellation point.
 * Returns a descriptor, or -1 with errno: EPROTO: the handshake failed (no TLS there, another one's certificate, an expired one, ours is
 * refused), or took longer than $GREENLET_TLS_TIMEOUT. EINVAL and those of files: as of greenlet_ssl_listener, said on stderr. Else as
 * greenlet_connect_tcp.
 */
int greenlet_connect_ssl(const char *host, int port, const char *options);

#ifdef __cplusplus
}
#endif

#endif
