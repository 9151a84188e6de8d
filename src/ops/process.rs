//! vfork and _Fork, which run no atfork handlers.

use crate::errno::{Errno, Exit};
use crate::real;
use crate::start;
use libc::pid_t;

/// vfork(2) as a fork: the child has its own memory, so that hooks may run in it. (The parent is not held
/// until the child execs; what the child writes is not seen by the parent.)
///
/// # Safety
/// As the C function.
pub unsafe fn vfork() -> Result<pid_t, Exit> {
    // SAFETY: the caller's.
    unsafe { fork_raw() }
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
