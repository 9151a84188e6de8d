//! Futex wait and wake on words of our own, always process-private.

use super::time::{Deadline, Timespec};
use crate::errno::Errno;
use core::sync::atomic::AtomicU32;

const PRIVATE: i32 = libc::FUTEX_PRIVATE_FLAG;

/// Sleeps while `*word == expected`, until the deadline, a wake, or a signal.
/// Returns the kernel's reason: `Ok` for a wake, `EAGAIN`, `EINTR` or `ETIMEDOUT`.
pub fn wait_until(word: &AtomicU32, expected: u32, deadline: Option<Deadline>) -> Result<(), Errno> {
    let (ts, clock) = match deadline {
        None => (None, 0),
        Some(Deadline::Monotonic(at)) => (Some(Timespec::from_nanos(at)), 0),
        Some(Deadline::Real(at)) => (Some(Timespec::from_nanos(at)), libc::FUTEX_CLOCK_REALTIME),
    };
    let tsp = ts.as_ref().map_or(core::ptr::null(), |t| t as *const Timespec);
    // SAFETY: `word` outlives the call; `tsp` is null or points to a live timespec; BITSET takes an absolute
    // time, of CLOCK_MONOTONIC unless the flag says otherwise.
    unsafe {
        crate::syscall!(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT_BITSET | PRIVATE | clock,
            expected,
            tsp,
            0usize,
            u32::MAX
        )
    }
    .map(|_| ())
}

/// Sleeps while `*word == expected`. May wake spuriously.
pub fn wait(word: &AtomicU32, expected: u32) {
    let _ = wait_until(word, expected, None);
}

/// Wakes up to `n` sleepers of `word`. The address may be stale: the kernel only hashes it.
pub fn wake(word: *const AtomicU32, n: u32) {
    // SAFETY: FUTEX_WAKE does not access the word; an unmapped address gives EFAULT.
    let _ = unsafe { crate::syscall!(libc::SYS_futex, word, libc::FUTEX_WAKE | PRIVATE, n) };
}
