//! sleep, nanosleep and their kin; sched_yield.

use super::green;
use super::readiness::sleep_until;
use crate::errno::{Errno, Exit};
use crate::park::Wake;
use crate::report::Call;
use crate::sched;
use crate::signal::{self, Interruption};
use crate::sys::mem;
use crate::sys::time::{self, Deadline, Timespec};
use crate::thread::wait::Wait;
use crate::thread::{cancel, throw};
use core::ffi::{c_int, c_uint};
use libc::{clockid_t, timespec};

/// Sleeps until the deadline; `EINTR` as soon as a handler has run (these calls never restart).
fn until(deadline: impl Into<Deadline>) -> Result<(), Exit> {
    sleep_on(deadline, true)
}

/// Sleeps until the deadline, whatever handlers run meanwhile.
pub(super) fn until_whatever_runs(deadline: u64) -> Result<(), Exit> {
    sleep_on(deadline, false)
}

fn sleep_on(deadline: impl Into<Deadline>, ends_by_handler: bool) -> Result<(), Exit> {
    let Some(_) = green() else { return Err(Exit::Native) };
    let how = Wait::until(Call::Sleep, Some(deadline)).cancellable().failing();
    loop {
        if cancel::is_pending() {
            return Err(Exit::Cancelled);
        }
        match sleep_until(&how) {
            Wake::TimedOut => return Ok(()),
            Wake::Interrupted => {
                if let Some(thrown) = throw::take() {
                    return Err(thrown.into());
                }
                if signal::take_interruption() != Interruption::None && ends_by_handler {
                    return Err(Errno::INTR.into());
                }
            }
            _ => {}
        }
    }
}

/// The interval that is left, rounded as the kernel does.
///
/// # Safety
/// `rem` is null or a timespec.
unsafe fn write_rest(rem: *mut timespec, deadline: u64) {
    // SAFETY: the caller's pointer.
    if let Some(rem) = unsafe { rem.as_mut() } {
        let left = Timespec::from_nanos(deadline.saturating_sub(time::now()));
        (rem.tv_sec, rem.tv_nsec) = (left.sec, left.nsec);
    }
}

/// sleep(3): the seconds left.
///
/// # Safety
/// As the C function.
pub unsafe fn sleep(seconds: c_uint) -> Result<c_uint, Exit> {
    let deadline = time::after(seconds as u64 * time::SECOND);
    match until(deadline) {
        Ok(()) => Ok(0),
        Err(Exit::Errno(_)) => {
            let left = deadline.saturating_sub(time::now());
            Ok((left / time::SECOND) as c_uint)
        }
        Err(e) => Err(e),
    }
}

/// usleep(3).
///
/// # Safety
/// As the C function.
pub unsafe fn usleep(usec: c_uint) -> Result<c_int, Exit> {
    until(time::after(usec as u64 * 1000)).map(|()| 0)
}

/// nanosleep(2).
///
/// # Safety
/// As the C function.
pub unsafe fn nanosleep(req: *const timespec, rem: *mut timespec) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe { clock_nanosleep(libc::CLOCK_REALTIME, 0, req, rem) }.map(|()| 0)
}

/// clock_nanosleep(2). On clocks other than the two that deadlines are kept in, the kernel sleeps.
///
/// # Safety
/// As the C function.
pub unsafe fn clock_nanosleep(
    clock: clockid_t, flags: c_int, req: *const timespec, rem: *mut timespec,
) -> Result<(), Exit> {
    if !matches!(clock, libc::CLOCK_REALTIME | libc::CLOCK_MONOTONIC) {
        return Err(Exit::Offloaded);
    }
    if green().is_none() {
        return Err(Exit::Native);
    }
    let req = mem::read::<Timespec>(req.cast())?;
    if !req.is_valid() {
        return Err(Errno::INVAL.into());
    }
    if flags & libc::TIMER_ABSTIME != 0 {
        return until(time::deadline(clock, req)?);
    }
    let deadline = time::after(req.nanos());
    let end = until(deadline);
    if end == Err(Errno::INTR.into()) {
        // SAFETY: the caller's pointer.
        unsafe { write_rest(rem, deadline) };
    }
    end
}

/// sched_yield(2).
///
/// # Safety
/// As the C function.
pub unsafe fn sched_yield() -> Result<c_int, Exit> {
    let Some(t) = green() else { return Err(Exit::Native) };
    crate::arch::tls::enter();
    sched::yield_now(t);
    crate::arch::tls::leave();
    Ok(0)
}

/// pthread_yield(3).
///
/// # Safety
/// As the C function.
pub unsafe fn pthread_yield() -> Result<c_int, Exit> {
    // SAFETY: no arguments.
    unsafe { sched_yield() }
}

/// thrd_yield(3).
///
/// # Safety
/// As the C function.
pub unsafe fn thrd_yield() -> Result<(), Exit> {
    // SAFETY: no arguments.
    unsafe { sched_yield() }.map(|_| ())
}

/// thrd_sleep(3): 0, -1 when a signal ended it, -2 otherwise.
///
/// # Safety
/// As the C function.
pub unsafe fn thrd_sleep(req: *const timespec, rem: *mut timespec) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    match unsafe { clock_nanosleep(libc::CLOCK_REALTIME, 0, req, rem) } {
        Ok(()) => Ok(0),
        Err(Exit::Errno(libc::EINTR)) => Ok(-1),
        Err(Exit::Errno(_)) => Ok(-2),
        Err(e) => Err(e),
    }
}
