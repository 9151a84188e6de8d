//! Errors that are thrown into greenlets: the call in which one waits, or next waits, fails with them.
//!
//! A wait says whether it can fail so ([`Wait::failing`](super::wait::Wait)): those that cancellation can end and that
//! may answer any error. Several are independent, and come one a wait, in the order in which they were thrown.

use super::Thread;
use crate::errno::Errno;
use crate::park::Wake;
use crate::sys::lock::Lock;

struct Thrown {
    into: &'static Thread,
    /// Which of the record's greenlets.
    generation: u32,
    errno: i32,
    timer: u64,
}

/// A leaf of the lock order: thrown under the lock of the timers.
static THROWN: Lock<Vec<Thrown>> = Lock::new(Vec::new());

/// Throws into the greenlet that the record is in this generation.
pub fn throw(into: &'static Thread, generation: u32, errno: i32, timer: u64) {
    THROWN.lock().push(Thrown { into, generation, errno, timer });
    into.set_thrown_at(true);
    into.waiter.wake(Wake::Interrupted);
}

/// Takes what was thrown into the calling thread.
pub fn take() -> Option<Errno> {
    let t = super::current().filter(|t| t.is_thrown_at())?;
    let mut thrown = THROWN.lock();
    let mine = |entry: &Thrown| core::ptr::eq(entry.into, t);
    // What was thrown into one that had the record before has missed it.
    thrown.retain(|entry| !mine(entry) || entry.generation == t.generation());
    let found = thrown.iter().position(mine).map(|at| Errno(thrown.remove(at).errno));
    t.set_thrown_at(thrown.iter().any(mine));
    found
}

/// Takes back what this timer has thrown, if no call has failed with it yet. Whether that was so.
pub fn withdraw(timer: u64) -> bool {
    let mut thrown = THROWN.lock();
    let found = thrown.iter().position(|entry| entry.timer == timer);
    found.map(|at| thrown.remove(at)).is_some()
}

/// Forgets the parent's.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub(super) unsafe fn after_fork() {
    // SAFETY: the caller's promise.
    unsafe { THROWN.reset(Vec::new()) };
}
