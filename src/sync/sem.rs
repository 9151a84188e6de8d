//! Semaphores: glibc's counter, our waiting. `sem_post` works in a signal handler.

use super::deadline;
use crate::atomic::{AtomicU64, Ordering};
use crate::errno::Exit;
use crate::park::Wake;
use crate::park::lot::{self, Kind, Parked};
use crate::real;
use crate::report::Call;
use crate::signal::{self, Interruption};
use crate::sys::time::Deadline;
use crate::thread::wait::Wait;
use crate::thread::{cancel, throw};
use core::ffi::c_int;

type Sem = libc::sem_t;

/// Offset of `private`: zero for a semaphore of this process only.
const PRIVATE: usize = 8;
const _: () = assert!(size_of::<Sem>() == 32);

/// # Safety
/// `s` is an initialised semaphore.
unsafe fn is_shared(s: *mut Sem) -> bool {
    // SAFETY: within the object.
    unsafe { s.byte_add(PRIVATE).cast::<c_int>().read_volatile() != 0 }
}

/// Takes one if there is one: the low half of the 64-bit word is the value, the high half libc's own waiters.
///
/// # Safety
/// `s` is an initialised semaphore.
unsafe fn try_take(s: *mut Sem) -> bool {
    // SAFETY: the object is 8-byte aligned and starts with the word.
    let word = unsafe { &*s.cast::<AtomicU64>() };
    word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |w| if w & 0xffff_ffff != 0 { Some(w - 1) } else { None })
        .is_ok()
}

/// sem_wait(3).
///
/// # Safety
/// As the C function.
pub unsafe fn wait(s: *mut Sem) -> Result<c_int, Exit> {
    if cancel::is_pending() {
        return Err(Exit::Cancelled);
    }
    // SAFETY: the caller's semaphore.
    unsafe { wait_until(s, None) }
}

/// sem_timedwait(3): absolute CLOCK_REALTIME.
///
/// # Safety
/// As the C function.
pub unsafe fn timedwait(s: *mut Sem, at: *const libc::timespec) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments. glibc checks the time before it acts on a cancellation.
    unsafe {
        let until = deadline(libc::CLOCK_REALTIME, at)?;
        if cancel::is_pending() {
            return Err(Exit::Cancelled);
        }
        wait_until(s, Some(until))
    }
}

/// sem_clockwait(3). Unlike the others it is a cancellation point only where it waits.
///
/// # Safety
/// As the C function.
pub unsafe fn clockwait(s: *mut Sem, clock: libc::clockid_t, at: *const libc::timespec) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments. glibc checks the time before it looks at the semaphore.
    unsafe {
        let until = deadline(clock, at)?;
        wait_until(s, Some(until))
    }
}

/// sem_post(3). Async-signal-safe.
///
/// # Safety
/// As the C function.
pub unsafe fn post(s: *mut Sem) -> Result<c_int, Exit> {
    // SAFETY: the caller's semaphore; what is needed is read before a waiter may free it.
    unsafe {
        let shared = is_shared(s);
        if real::sem_post(s) != 0 {
            return Err(Exit::Errno(libc::EOVERFLOW));
        }
        if !shared {
            lot::unpark_after_rmw(s as usize, Kind::Sem, 1);
        }
    }
    Ok(0)
}

/// # Safety
/// `s` is an initialised semaphore.
unsafe fn wait_until(s: *mut Sem, until: Option<Deadline>) -> Result<c_int, Exit> {
    // SAFETY: the caller's semaphore throughout.
    unsafe {
        if is_shared(s) {
            return Err(Exit::Offloaded);
        }
        if try_take(s) {
            return Ok(0);
        }
        signal::forget_interruption();
        let how = Wait::until(Call::Sem, until).cancellable().failing();
        loop {
            let parked = lot::park(s as usize, Kind::Sem, u32::MAX, &how, || !try_take(s), || {});
            let Parked::Woken(why) = parked else { return Ok(0) };
            if try_take(s) {
                return Ok(0);
            }
            match why {
                Wake::TimedOut => return Err(Exit::Errno(libc::ETIMEDOUT)),
                Wake::Cancelled if cancel::is_pending() => return Err(Exit::Cancelled),
                Wake::Interrupted if let Some(thrown) = throw::take() => return Err(thrown.into()),
                Wake::Interrupted => match signal::take_interruption() {
                    // With a deadline the kernel's wait is never restarted (futex(2)).
                    Interruption::Restart if how.deadline.is_some() => return Err(Exit::Errno(libc::EINTR)),
                    Interruption::Fail => return Err(Exit::Errno(libc::EINTR)),
                    _ => {}
                },
                _ => {}
            }
        }
    }
}
