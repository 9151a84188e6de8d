//! Processes, and everything that waits in the kernel for something no descriptor tells of: children, file locks,
//! disks, terminals, signals, message queues and semaphores of System V and POSIX. `fork` itself is not hooked: the
//! engine's `pthread_atfork` handlers do its part.

use crate::ret::{Answer, Convention, ErrorNumber};
use core::ffi::{c_char, c_int, c_long, c_uint, c_void};
use engine::{Exit, ops, real::Next};
use libc::{
    FILE, aiocb, id_t, idtype_t, mqd_t, off_t, off64_t, pid_t, posix_spawn_file_actions_t, posix_spawnattr_t, rusage,
    sembuf, sigevent, siginfo_t, sigset_t, size_t, ssize_t, termios, timespec,
};

jump! { vfork => decide_vfork }

/// What `vfork` does: the operation's answer, or where to jump. Cancelling is not for it: it is no cancellation point.
unsafe extern "C-unwind" fn decide_vfork() -> Answer {
    static NEXT: Next = next!(vfork);
    proof!(vfork() -> pid_t);
    if engine::active() {
        // SAFETY: the operation has vfork's own contract.
        match unsafe { ops::process::vfork() } {
            Ok(child) => return Answer::value(child as c_long),
            Err(Exit::Errno(errno)) => return Answer::value(Convention::failed(errno)),
            Err(Exit::Native | Exit::Offloaded | Exit::Cancelled) => {}
        }
    }
    Answer::jump(&NEXT)
}

hook! { fn _Fork() -> pid_t = ops::process::fork_raw }

offload! { fn wait(status: *mut c_int) -> pid_t }
offload! { fn waitpid(pid: pid_t, status: *mut c_int, options: c_int) -> pid_t }
offload! { fn __wait(status: *mut c_int) -> pid_t }
offload! { fn __waitpid(pid: pid_t, status: *mut c_int, options: c_int) -> pid_t }
offload! { fn waitid(kind: idtype_t, id: id_t, info: *mut siginfo_t, options: c_int) -> c_int }
offload! { fn wait3(status: *mut c_int, options: c_int, usage: *mut rusage) -> pid_t }
offload! { fn wait4(pid: pid_t, status: *mut c_int, options: c_int, usage: *mut rusage) -> pid_t }
offload! { fn system(command: *const c_char) -> c_int }
// Until the child has become another program, on a stack of libc's: the caller's kernel thread is held meanwhile.
offload! {
    fn posix_spawn(
        child: *mut pid_t, path: *const c_char, actions: *const posix_spawn_file_actions_t,
        attributes: *const posix_spawnattr_t, arguments: *const *mut c_char, environment: *const *mut c_char,
    ) -> ErrorNumber
}
offload! {
    fn posix_spawnp(
        child: *mut pid_t, file: *const c_char, actions: *const posix_spawn_file_actions_t,
        attributes: *const posix_spawnattr_t, arguments: *const *mut c_char, environment: *const *mut c_char,
    ) -> ErrorNumber
}
offload! { fn popen(command: *const c_char, mode: *const c_char) -> *mut FILE }

offload! { fn fsync(fd: c_int) -> c_int }
offload! { fn fdatasync(fd: c_int) -> c_int }
offload! { fn sync() -> () }
offload! { fn syncfs(fd: c_int) -> c_int }
offload! { fn sync_file_range(fd: c_int, offset: off64_t, len: off64_t, flags: c_uint) -> c_int }
offload! { fn msync(start: *mut c_void, len: size_t, flags: c_int) -> c_int, if flags & libc::MS_SYNC != 0 }
offload! {
    fn copy_file_range(
        from: c_int, from_offset: *mut off64_t, to: c_int, to_offset: *mut off64_t, len: size_t, flags: c_uint,
    ) -> ssize_t
}
offload! { fn aio_suspend(list: *const *const aiocb, count: c_int, timeout: *const timespec) -> c_int }
offload! { fn aio_suspend64(list: *const *const aiocb, count: c_int, timeout: *const timespec) -> c_int }
offload! {
    fn lio_listio(mode: c_int, list: *const *mut aiocb, count: c_int, event: *mut sigevent) -> c_int,
    if mode == libc::LIO_WAIT
}
offload! {
    fn lio_listio64(mode: c_int, list: *const *mut aiocb, count: c_int, event: *mut sigevent) -> c_int,
    if mode == libc::LIO_WAIT
}
offload! { fn flock(fd: c_int, operation: c_int) -> c_int }
offload! { fn lockf(fd: c_int, command: c_int, len: off_t) -> c_int }
offload! { fn lockf64(fd: c_int, command: c_int, len: off64_t) -> c_int }
offload! { fn tcdrain(fd: c_int) -> c_int }
offload! { fn tcsendbreak(fd: c_int, duration: c_int) -> c_int }
offload! {
    fn tcsetattr(fd: c_int, when: c_int, settings: *const termios) -> c_int, if when != libc::TCSANOW
}

offload! { fn sigwait(set: *const sigset_t, signal: *mut c_int) -> ErrorNumber, awaits set }
offload! { fn sigwaitinfo(set: *const sigset_t, info: *mut siginfo_t) -> c_int, awaits set }
offload! {
    fn sigtimedwait(set: *const sigset_t, info: *mut siginfo_t, timeout: *const timespec) -> c_int, awaits set
}
offload! { fn pause() -> c_int }

offload! { fn msgrcv(queue: c_int, msg: *mut c_void, len: size_t, kind: c_long, flags: c_int) -> ssize_t }
offload! { fn msgsnd(queue: c_int, msg: *const c_void, len: size_t, flags: c_int) -> c_int }
offload! { fn semop(set: c_int, operations: *mut sembuf, count: size_t) -> c_int }
offload! { fn semtimedop(set: c_int, operations: *mut sembuf, count: size_t, timeout: *const timespec) -> c_int }
offload! { fn mq_receive(queue: mqd_t, msg: *mut c_char, len: size_t, priority: *mut c_uint) -> ssize_t }
offload! {
    fn mq_timedreceive(queue: mqd_t, msg: *mut c_char, len: size_t, priority: *mut c_uint, deadline: *const timespec)
        -> ssize_t
}
offload! { fn mq_send(queue: mqd_t, msg: *const c_char, len: size_t, priority: c_uint) -> c_int }
offload! {
    fn mq_timedsend(queue: mqd_t, msg: *const c_char, len: size_t, priority: c_uint, deadline: *const timespec) -> c_int
}
