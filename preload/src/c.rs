//! The C library's prototypes, against which `export::proof!` checks every hook: the `libc` crate's, and our own
//! declarations of what that crate lacks, or declares in a way that a hook cannot use. Nothing here is called.
//!
//! The page of the manual that a prototype was taken from is in the comment before it. glibc's headers agree with all.

// Most of what is imported and declared is named by macros only, in functions that nobody calls.
#![allow(unused_imports, dead_code, non_camel_case_types)]

pub use libc::*;

/// Start routine of a POSIX thread. Unlike `libc`'s it may unwind, as it does when the thread is cancelled.
pub type StartRoutine = unsafe extern "C-unwind" fn(*mut c_void) -> *mut c_void;
/// Start routine of a C11 thread.
pub type ThrdStart = unsafe extern "C-unwind" fn(*mut c_void) -> c_int;
/// Routine of `pthread_once` and `call_once`, which may unwind too.
pub type Routine = unsafe extern "C-unwind" fn();
/// What a key's destructor is, if it has one.
pub type Destructor = Option<unsafe extern "C" fn(*mut c_void)>;

/// What `sigsetjmp` fills in.
pub use engine::ops::signal::JumpBuffer;
/// What `pthread_atfork` registers.
pub use engine::real::ForkHandler;

/// `netdb.h`, `resolv.h`: what a request and the resolver's state are is libc's own business.
pub type gaicb = c_void;
pub type res_state = *mut c_void;

/// `threads.h`: a C11 thread is a POSIX thread in glibc, and so are a key and a once flag.
pub type thrd_t = pthread_t;
pub type tss_t = pthread_key_t;
pub type once_flag = pthread_once_t;
/// `threads.h`: unions of bytes, which only libc and the engine look into.
pub type mtx_t = libc::pthread_mutex_t;
pub type cnd_t = libc::pthread_cond_t;

unsafe extern "C-unwind" {
    // read(2), recv(2), poll(2) with the buffer's size, as _FORTIFY_SOURCE has it: LSB Core, 'Interfaces for libc'.
    pub fn __read_chk(fd: c_int, buf: *mut c_void, len: size_t, size: size_t) -> ssize_t;
    pub fn __recv_chk(fd: c_int, buf: *mut c_void, len: size_t, size: size_t, flags: c_int) -> ssize_t;
    pub fn __recvfrom_chk(
        fd: c_int, buf: *mut c_void, len: size_t, size: size_t, flags: c_int, addr: *mut sockaddr,
        addr_len: *mut socklen_t,
    ) -> ssize_t;
    pub fn __poll_chk(fds: *mut pollfd, count: nfds_t, timeout: c_int, size: size_t) -> c_int;
    pub fn __ppoll_chk(
        fds: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t, size: size_t,
    ) -> c_int;

    // execveat(2).
    pub fn execveat(
        folder: c_int, path: *const c_char, argv: *const *const c_char, envp: *const *const c_char, flags: c_int,
    ) -> c_int;

    // The names with underscores that are functions of the same arguments: glibc's Versions files have them under
    // GLIBC_2.2.5, GLIBC_2.7 (`__open_2` and kin, which take no mode: LSB Core has `__open_2` too).
    pub fn __read(fd: c_int, buf: *mut c_void, len: size_t) -> ssize_t;
    pub fn __write(fd: c_int, buf: *const c_void, len: size_t) -> ssize_t;
    pub fn __send(fd: c_int, buf: *const c_void, len: size_t, flags: c_int) -> ssize_t;
    pub fn __connect(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int;
    pub fn __close(fd: c_int) -> c_int;
    pub fn __dup2(from: c_int, to: c_int) -> c_int;
    pub fn __pipe(pair: *mut c_int) -> c_int;
    pub fn __fcntl(fd: c_int, command: c_int, ...) -> c_int;
    pub fn __open(path: *const c_char, flags: c_int, ...) -> c_int;
    pub fn __open64(path: *const c_char, flags: c_int, ...) -> c_int;
    pub fn __open_2(path: *const c_char, flags: c_int) -> c_int;
    pub fn __open64_2(path: *const c_char, flags: c_int) -> c_int;
    pub fn __openat_2(folder: c_int, path: *const c_char, flags: c_int) -> c_int;
    pub fn __openat64_2(folder: c_int, path: *const c_char, flags: c_int) -> c_int;
    pub fn __poll(fds: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int;
    pub fn __select(
        count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, timeout: *mut timeval,
    ) -> c_int;
    pub fn __nanosleep(time: *const timespec, left: *mut timespec) -> c_int;
    pub fn __sched_yield() -> c_int;
    pub fn __wait(status: *mut c_int) -> pid_t;
    pub fn __waitpid(pid: pid_t, status: *mut c_int, options: c_int) -> pid_t;

    // fgetc(3), unlocked_stdio(3), getline(3), freopen(3); those with the buffer's size: LSB Core; `__uflow` and
    // `__underflow` are declared in glibc's stdio headers
    pub fn getc(stream: *mut FILE) -> c_int;
    pub fn _IO_getc(stream: *mut FILE) -> c_int;
    pub fn fgetc_unlocked(stream: *mut FILE) -> c_int;
    pub fn getc_unlocked(stream: *mut FILE) -> c_int;
    pub fn getchar_unlocked() -> c_int;
    pub fn __uflow(stream: *mut FILE) -> c_int;
    pub fn __underflow(stream: *mut FILE) -> c_int;
    pub fn fgets_unlocked(buf: *mut c_char, size: c_int, stream: *mut FILE) -> *mut c_char;
    pub fn __fgets_chk(buf: *mut c_char, room: size_t, size: c_int, stream: *mut FILE) -> *mut c_char;
    pub fn __fgets_unlocked_chk(buf: *mut c_char, room: size_t, size: c_int, stream: *mut FILE) -> *mut c_char;
    pub fn __fread_chk(buf: *mut c_void, room: size_t, size: size_t, count: size_t, stream: *mut FILE) -> size_t;
    pub fn __fread_unlocked_chk(
        buf: *mut c_void, room: size_t, size: size_t, count: size_t, stream: *mut FILE,
    ) -> size_t;
    pub fn getdelim(line: *mut *mut c_char, room: *mut size_t, delimiter: c_int, stream: *mut FILE) -> ssize_t;
    pub fn __getdelim(line: *mut *mut c_char, room: *mut size_t, delimiter: c_int, stream: *mut FILE) -> ssize_t;
    pub fn freopen64(path: *const c_char, mode: *const c_char, old: *mut FILE) -> *mut FILE;

    // aio_suspend(3), lio_listio(3): the names for 64-bit offsets
    pub fn aio_suspend64(list: *const *const aiocb, count: c_int, timeout: *const timespec) -> c_int;
    pub fn lio_listio64(mode: c_int, list: *const *mut aiocb, count: c_int, event: *mut sigevent) -> c_int;
    // tcsetattr(3) is `libc`'s; getaddrinfo_a(3), getservbyname_r(3), resolver(3)
    pub fn getaddrinfo_a(mode: c_int, list: *mut *mut gaicb, count: c_int, event: *mut sigevent) -> c_int;
    pub fn gai_suspend(list: *const *const gaicb, count: c_int, timeout: *const timespec) -> c_int;
    pub fn getservbyname_r(
        name: *const c_char, protocol: *const c_char, entry: *mut servent, buf: *mut c_char, len: size_t,
        found: *mut *mut servent,
    ) -> c_int;
    pub fn getservbyport_r(
        port: c_int, protocol: *const c_char, entry: *mut servent, buf: *mut c_char, len: size_t,
        found: *mut *mut servent,
    ) -> c_int;
    pub fn res_query(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int) -> c_int;
    pub fn res_search(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int) -> c_int;
    pub fn res_querydomain(
        name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int;
    pub fn res_send(query: *const c_uchar, query_len: c_int, answer: *mut c_uchar, len: c_int) -> c_int;
    pub fn res_nquery(
        state: res_state, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int;
    pub fn res_nsearch(
        state: res_state, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int;
    pub fn res_nquerydomain(
        state: res_state, name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar,
        len: c_int,
    ) -> c_int;
    pub fn res_nsend(
        state: res_state, query: *const c_uchar, query_len: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int;
    pub fn __res_query(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int) -> c_int;
    pub fn __res_search(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int) -> c_int;
    pub fn __res_querydomain(
        name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int;
    pub fn __res_send(query: *const c_uchar, query_len: c_int, answer: *mut c_uchar, len: c_int) -> c_int;
    pub fn __res_nquery(
        state: res_state, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int;
    pub fn __res_nsearch(
        state: res_state, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int;
    pub fn __res_nquerydomain(
        state: res_state, name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar,
        len: c_int,
    ) -> c_int;
    pub fn __res_nsend(
        state: res_state, query: *const c_uchar, query_len: c_int, answer: *mut c_uchar, len: c_int,
    ) -> c_int;

    // closefrom(3)
    pub fn closefrom(first: c_int);
    // fcntl(2), the name for 64-bit offsets
    pub fn fcntl64(fd: c_int, command: c_int, ...) -> c_int;
    // lockf(3), the name for 64-bit offsets
    pub fn lockf64(fd: c_int, command: c_int, len: off64_t) -> c_int;

    // thrd_sleep(3), thrd_yield(3), pthread_yield(3)
    pub fn thrd_sleep(time: *const timespec, left: *mut timespec) -> c_int;
    pub fn thrd_yield();
    pub fn pthread_yield() -> c_int;

    // setfsuid(2), capset(2), arch_prctl(2), pkey_alloc(2): 'libc' has them with other types of int, or not at all
    pub fn capset(header: *mut c_void, data: *mut c_void) -> c_int;
    pub fn capget(header: *mut c_void, data: *mut c_void) -> c_int;
    pub fn arch_prctl(code: c_int, at: usize) -> c_int;
    pub fn pkey_alloc(flags: c_uint, rights: c_uint) -> c_int;
    pub fn pkey_set(key: c_int, rights: c_uint) -> c_int;

    // gethostbyname(3)
    pub fn gethostbyname(name: *const c_char) -> *mut hostent;
    pub fn gethostbyname2(name: *const c_char, family: c_int) -> *mut hostent;
    pub fn gethostbyaddr(addr: *const c_void, len: socklen_t, family: c_int) -> *mut hostent;
    pub fn gethostbyname_r(
        name: *const c_char, entry: *mut hostent, buf: *mut c_char, len: size_t, found: *mut *mut hostent,
        h_errno: *mut c_int,
    ) -> c_int;
    pub fn gethostbyname2_r(
        name: *const c_char, family: c_int, entry: *mut hostent, buf: *mut c_char, len: size_t,
        found: *mut *mut hostent, h_errno: *mut c_int,
    ) -> c_int;
    pub fn gethostbyaddr_r(
        addr: *const c_void, addr_len: socklen_t, family: c_int, entry: *mut hostent, buf: *mut c_char, len: size_t,
        found: *mut *mut hostent, h_errno: *mut c_int,
    ) -> c_int;

    // vfork(2), fork(3). `libc` has vfork, marked as one that Rust code must not call; nobody does.
    pub fn vfork() -> pid_t;
    pub fn _Fork() -> pid_t;
    // LSB Core, 'Interfaces for libc'.
    pub fn __register_atfork(
        prepare: ForkHandler, parent: ForkHandler, child: ForkHandler, object: *mut c_void,
    ) -> c_int;
    // wait4(2), semop(2)
    pub fn wait3(status: *mut c_int, options: c_int, usage: *mut rusage) -> pid_t;
    pub fn semtimedop(set: c_int, operations: *mut sembuf, count: size_t, timeout: *const timespec) -> c_int;

    // bsd_signal(3), sysv_signal(3), siginterrupt(3); ssignal is in the glibc manual, 'Basic Signal Handling'
    // sigpause(3)
    pub fn sigpause(mask: c_int) -> c_int;
    pub fn __xpg_sigpause(signal: c_int) -> c_int;
    pub fn bsd_signal(signal: c_int, handler: sighandler_t) -> sighandler_t;
    pub fn ssignal(signal: c_int, handler: sighandler_t) -> sighandler_t;
    pub fn sysv_signal(signal: c_int, handler: sighandler_t) -> sighandler_t;

    // sigset(3) and sigvec(3), with their kin.
    pub fn sighold(signal: c_int) -> c_int;
    pub fn sigrelse(signal: c_int) -> c_int;
    pub fn sigignore(signal: c_int) -> c_int;
    pub fn sigset(signal: c_int, handler: sighandler_t) -> sighandler_t;
    pub fn sigblock(mask: c_int) -> c_int;
    pub fn sigsetmask(mask: c_int) -> c_int;
    pub fn siggetmask() -> c_int;
    pub fn __sysv_signal(signal: c_int, handler: sighandler_t) -> sighandler_t;
    pub fn siginterrupt(signal: c_int, interrupts: c_int) -> c_int;

    // setjmp(3); the one that looks where the jump leads: LSB Core
    pub fn siglongjmp(to: *const JumpBuffer, value: c_int);
    pub fn longjmp(to: *const JumpBuffer, value: c_int);
    pub fn _longjmp(to: *const JumpBuffer, value: c_int);
    pub fn __longjmp_chk(to: *const JumpBuffer, value: c_int);

    // pthread_create(3): `libc`'s takes a routine that may not unwind
    pub fn pthread_create(
        thread: *mut pthread_t, attributes: *const pthread_attr_t, start: StartRoutine, argument: *mut c_void,
    ) -> c_int;
    // pthread_tryjoin_np(3), which has the timed ones too
    pub fn pthread_clockjoin_np(
        thread: pthread_t, value: *mut *mut c_void, clock: clockid_t, deadline: *const timespec,
    ) -> c_int;
    // pthread_setcancelstate(3), pthread_testcancel(3)
    pub fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
    pub fn pthread_setcanceltype(kind: c_int, old: *mut c_int) -> c_int;
    pub fn pthread_testcancel();
    // pthread_key_create(3p), and what C++ libraries call to see whether there are threads
    pub fn __pthread_key_create(key: *mut pthread_key_t, destructor: Destructor) -> c_int;

    // pthread_mutex_lock(3p) and pthread_mutex_clocklock(3p)
    pub fn __pthread_mutex_lock(mutex: *mut pthread_mutex_t) -> c_int;
    pub fn __pthread_mutex_trylock(mutex: *mut pthread_mutex_t) -> c_int;
    pub fn __pthread_mutex_unlock(mutex: *mut pthread_mutex_t) -> c_int;
    pub fn pthread_mutex_clocklock(mutex: *mut pthread_mutex_t, clock: clockid_t, deadline: *const timespec) -> c_int;
    // pthread_cond_clockwait(3p)
    pub fn pthread_cond_clockwait(
        cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, clock: clockid_t, deadline: *const timespec,
    ) -> c_int;
    // pthread_rwlock_rdlock(3p) and kin
    pub fn __pthread_rwlock_rdlock(lock: *mut pthread_rwlock_t) -> c_int;
    pub fn __pthread_rwlock_wrlock(lock: *mut pthread_rwlock_t) -> c_int;
    pub fn __pthread_rwlock_tryrdlock(lock: *mut pthread_rwlock_t) -> c_int;
    pub fn __pthread_rwlock_trywrlock(lock: *mut pthread_rwlock_t) -> c_int;
    pub fn __pthread_rwlock_unlock(lock: *mut pthread_rwlock_t) -> c_int;
    pub fn pthread_rwlock_timedrdlock(lock: *mut pthread_rwlock_t, deadline: *const timespec) -> c_int;
    pub fn pthread_rwlock_timedwrlock(lock: *mut pthread_rwlock_t, deadline: *const timespec) -> c_int;
    pub fn pthread_rwlock_clockrdlock(
        lock: *mut pthread_rwlock_t, clock: clockid_t, deadline: *const timespec,
    ) -> c_int;
    pub fn pthread_rwlock_clockwrlock(
        lock: *mut pthread_rwlock_t, clock: clockid_t, deadline: *const timespec,
    ) -> c_int;
    // sem_wait(3), sem_clockwait(3p)
    pub fn sem_clockwait(sem: *mut sem_t, clock: clockid_t, deadline: *const timespec) -> c_int;
    // pthread_once(3p), call_once(3)
    pub fn pthread_once(control: *mut pthread_once_t, routine: Routine) -> c_int;
    pub fn __pthread_once(control: *mut pthread_once_t, routine: Routine) -> c_int;
    pub fn call_once(flag: *mut once_flag, routine: Routine);

    // thrd_create(3), mtx_lock(3), cnd_wait(3), tss_create(3)
    pub fn thrd_create(thread: *mut thrd_t, start: ThrdStart, argument: *mut c_void) -> c_int;
    pub fn thrd_join(thread: thrd_t, value: *mut c_int) -> c_int;
    pub fn thrd_detach(thread: thrd_t) -> c_int;
    pub fn mtx_lock(mutex: *mut mtx_t) -> c_int;
    pub fn mtx_timedlock(mutex: *mut mtx_t, deadline: *const timespec) -> c_int;
    pub fn mtx_unlock(mutex: *mut mtx_t) -> c_int;
    pub fn cnd_wait(cond: *mut cnd_t, mutex: *mut mtx_t) -> c_int;
    pub fn cnd_timedwait(cond: *mut cnd_t, mutex: *mut mtx_t, deadline: *const timespec) -> c_int;
    pub fn cnd_signal(cond: *mut cnd_t) -> c_int;
    pub fn cnd_broadcast(cond: *mut cnd_t) -> c_int;
    pub fn tss_create(key: *mut tss_t, destructor: Destructor) -> c_int;
    pub fn tss_delete(key: tss_t);
}
