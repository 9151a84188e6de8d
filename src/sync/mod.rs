//! POSIX's synchronisation objects over the parking lot.
//!
//! glibc's own `try` functions and fields stay the truth about an object (owner, kind, recursion, count), so
//! that a thread which never waits, and code that was entered before us, see what they always saw. Only the
//! waiting is ours. Objects that another process, the kernel or a robust list must see (process-shared, robust,
//! priority-inheriting) are left to libc, offloaded.

pub mod barrier;
pub mod cond;
pub mod futex;
pub mod mutex;
pub mod once;
pub mod rwlock;
pub mod sem;
pub mod spin;

use crate::errno::Exit;
use crate::sys::time::{self, Deadline, Timespec};
use crate::thread::bind;

/// The deadline of a call's absolute time; `EINVAL` for nanoseconds out of range or another clock.
///
/// # Safety
/// `at` points to a timespec.
pub(crate) unsafe fn deadline(clock: libc::clockid_t, at: *const libc::timespec) -> Result<Deadline, Exit> {
    // SAFETY: the caller's promise.
    let at = unsafe { *at };
    if !(0..time::SECOND as i64).contains(&at.tv_nsec) {
        return Err(Exit::Errno(libc::EINVAL));
    }
    Ok(time::deadline(clock, Timespec { sec: at.tv_sec, nsec: at.tv_nsec })?)
}

/// Whether the calling thread is this owner, by the tid that it has or had before it was bound.
pub(crate) fn is_own(owner: u32) -> bool {
    owner == own_tid() as u32 || bind::is_former(owner)
}

/// The calling thread's tid as its descriptor shows it: what owners are recorded with.
pub(crate) fn own_tid() -> i32 {
    crate::thread::tcb::tid(crate::arch::thread_pointer())
        .map_or(0, |w| w.load(crate::atomic::Ordering::Relaxed) as i32)
}
