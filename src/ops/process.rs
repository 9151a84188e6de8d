//! vfork and _Fork, which run no atfork handlers.

use crate::errno::{Errno, Exit};
use crate::real;
use crate::sched;
use crate::start;
use libc::pid_t;

/// vfork(2) is about to be made: the child will run in this process's memory, on the calling thread's stack and TCB, while
/// the thread is held in the kernel. The other green threads go on; every hook that the child calls is the C library's own
/// function, because [`active`](start::active) says no to it. Its own are the signal mask, the dispositions and the table
/// of descriptors, which the kernel copies.
///
/// Rejected: a fork (the parent is not held, and does not see what the child writes), and a record for the child (what it
/// leaves when it execs nobody could clear).
pub fn vfork_prepare() {
    super::offload::enter();
    start::vfork_prepare();
}

/// In the child.
pub fn vfork_child() {
    start::vfork_child();
}

/// In the parent, whose child has gone, or was not made. It waits for a permit, which it may have lost.
pub fn vfork_parent() {
    start::vfork_parent();
    sched::onload();
}

/// _Fork(3).
///
/// # Safety
/// As the C function.
pub unsafe fn fork_raw() -> Result<pid_t, Exit> {
    start::fork_prepare();
    // SAFETY: libc's own; the child is put right before it returns.
    match unsafe { real::fork_raw() } {
        0 => {
            start::fork_child();
            Ok(0)
        }
        pid => {
            start::fork_parent();
            // SAFETY: the calling thread's errno, which libc has just set.
            if pid < 0 { Err(Errno(unsafe { *libc::__errno_location() }).into()) } else { Ok(pid) }
        }
    }
}
