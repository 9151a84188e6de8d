//! pthread_cond: waiters park on the condition's address, the mutex is released once they are linked.
//!
//! glibc's object is only read, for its clock and whether it is process-shared: so the objects of the old
//! version (GLIBC_2.2.5), which hold something else in the same place, are not even read.

use super::{deadline, mutex};
use crate::arch::{self, tls};
use crate::errno::Exit;
use crate::park::Wake;
use crate::park::lot::{self, Kind, Parked};
use crate::real;
use crate::report::Call;
use crate::sys::time::Deadline;
use crate::thread::wait::Wait;
use crate::thread::{beside, cancel, foreign};

type Cond = libc::pthread_cond_t;
type Mutex = libc::pthread_mutex_t;

/// Offset of `__wrefs`, whose low bits are flags.
const WREFS: usize = 36;
const SHARED: u32 = 1;
const MONOTONIC: u32 = 2;
/// What one waiter of glibc's own counts there.
const WAITER: u32 = 8;
const _: () = assert!(size_of::<Cond>() == 48);

/// # Safety
/// `c` is an initialised condition of the current version.
unsafe fn flags(c: *mut Cond) -> u32 {
    // SAFETY: within the object; the flags do not change after initialisation.
    unsafe { c.byte_add(WREFS).cast::<u32>().read_volatile() }
}

/// Whether somebody waits for it as glibc does: in another process, or since before this one had green threads. What glibc's
/// waiters count themselves in an object of the old version is not read: there any elder may be one.
///
/// # Safety
/// `c` is an initialised condition of the current version.
unsafe fn has_others(c: *mut Cond) -> bool {
    // SAFETY: the caller's object.
    let flags = unsafe { flags(c) };
    flags & SHARED != 0 || flags >= WAITER
}

/// Whether glibc waits: another process may signal it, and use its mutex. A private mutex is unlocked by our own hook, for
/// those who wait for it in the lot, so its waiters park there whatever the condition is.
///
/// # Safety
/// As the wait.
unsafe fn is_kernels(c: *mut Cond, m: *mut Mutex) -> bool {
    // SAFETY: the caller's objects.
    unsafe { flags(c) & SHARED != 0 && mutex::is_kernels(m) }
}

/// pthread_cond_wait(3).
///
/// # Safety
/// As the C function.
pub unsafe fn wait(c: *mut Cond, m: *mut Mutex) -> Result<(), Exit> {
    // SAFETY: the caller's objects.
    unsafe { if is_kernels(c, m) { Err(Exit::Offloaded) } else { wait_until(c as usize, m, None) } }
}

/// pthread_cond_timedwait(3), in the condition's own clock.
///
/// # Safety
/// As the C function.
pub unsafe fn timedwait(c: *mut Cond, m: *mut Mutex, at: *const libc::timespec) -> Result<(), Exit> {
    // SAFETY: the caller's objects.
    unsafe {
        let clock = if flags(c) & MONOTONIC != 0 { libc::CLOCK_MONOTONIC } else { libc::CLOCK_REALTIME };
        clockwait(c, m, clock, at)
    }
}

/// pthread_cond_clockwait(3).
///
/// # Safety
/// As the C function.
pub unsafe fn clockwait(
    c: *mut Cond, m: *mut Mutex, clock: libc::clockid_t, at: *const libc::timespec,
) -> Result<(), Exit> {
    // SAFETY: the caller's objects.
    unsafe {
        if is_kernels(c, m) {
            return Err(Exit::Offloaded);
        }
        wait_until(c as usize, m, Some(deadline(clock, at)?))
    }
}

/// pthread_cond_signal(3).
///
/// # Safety
/// As the C function.
pub unsafe fn signal(c: *mut Cond) -> Result<(), Exit> {
    // SAFETY: the caller's object.
    unsafe {
        // Asked before: a waiter that is woken may destroy it.
        let others = has_others(c) | tell_beside();
        if lot::unpark_after_rmw(c as usize, Kind::Cond, 1) == 0 && others {
            return Err(Exit::Native);
        }
    }
    Ok(())
}

/// pthread_cond_broadcast(3).
///
/// # Safety
/// As the C function.
pub unsafe fn broadcast(c: *mut Cond) -> Result<(), Exit> {
    // SAFETY: the caller's object.
    unsafe {
        let others = has_others(c) | tell_beside();
        lot::unpark_after_rmw(c as usize, Kind::Cond, usize::MAX);
        if others {
            return Err(Exit::Native);
        }
    }
    Ok(())
}

/// pthread_cond_wait of GLIBC_2.2.5: never process-shared, always CLOCK_REALTIME.
///
/// # Safety
/// As the C function.
pub unsafe fn old_wait(c: *mut Cond, m: *mut Mutex) -> Result<(), Exit> {
    // SAFETY: the caller's objects.
    unsafe { wait_until(c as usize, m, None) }
}

/// pthread_cond_timedwait of GLIBC_2.2.5.
///
/// # Safety
/// As the C function.
pub unsafe fn old_timedwait(c: *mut Cond, m: *mut Mutex, at: *const libc::timespec) -> Result<(), Exit> {
    // SAFETY: the caller's objects.
    unsafe { wait_until(c as usize, m, Some(deadline(libc::CLOCK_REALTIME, at)?)) }
}

/// pthread_cond_signal of GLIBC_2.2.5.
///
/// # Safety
/// As the C function.
pub unsafe fn old_signal(c: *mut Cond) -> Result<(), Exit> {
    // A waiter counts itself before it releases the mutex, under which the caller changed the predicate.
    lot::unpark_after_rmw(c as usize, Kind::Cond, 1);
    if tell_beside() | foreign::any_elders() { Err(Exit::Native) } else { Ok(()) }
}

/// pthread_cond_broadcast of GLIBC_2.2.5.
///
/// # Safety
/// As the C function.
pub unsafe fn old_broadcast(c: *mut Cond) -> Result<(), Exit> {
    lot::unpark_after_rmw(c as usize, Kind::Cond, usize::MAX);
    if tell_beside() | foreign::any_elders() { Err(Exit::Native) } else { Ok(()) }
}

/// Tells the processes beside us, if there may be some. Whether one may also wait as libc does, since before there were threads.
fn tell_beside() -> bool {
    let any = beside::any_process();
    if any {
        beside::signal();
    }
    any
}

/// The wait of a process in others' memory: see `thread::beside`.
///
/// # Safety
/// As [`wait_until`].
unsafe fn wait_beside(m: *mut Mutex, until: Option<Deadline>) -> Result<(), Exit> {
    let seen = beside::signals();
    // SAFETY: the caller's mutex.
    unsafe {
        mutex::unlock(m)?;
        let in_time = beside::wait_for_signal(seen, until);
        match real::pthread_mutex_lock(m) {
            0 if in_time => Ok(()),
            0 => Err(Exit::Errno(libc::ETIMEDOUT)),
            e => Err(Exit::Errno(e)),
        }
    }
}

/// Waits on the key with the mutex released meanwhile. A cancelled thread has the mutex again when it is told.
///
/// # Safety
/// `m` is an initialised mutex, locked by the caller.
unsafe fn wait_until(key: usize, m: *mut Mutex, until: Option<Deadline>) -> Result<(), Exit> {
    if cancel::is_pending() {
        return Err(Exit::Cancelled);
    }
    // SAFETY: the caller's mutex.
    unsafe {
        if !mutex::is_unlockable(m) {
            return Err(Exit::Errno(libc::EPERM));
        }
        if tls::is_held() {
            return wait_beside(m, until);
        }
        let how = Wait::until(Call::Cond, until).cancellable();
        // One that may be cancelled anywhere must not be without the mutex.
        let deferred = cancel::is_asynchronous(arch::thread_pointer()).then(cancel::Deferred::begin);
        let parked = lot::park_unchecked(key, Kind::Cond, &how, || {
            let _ = mutex::unlock(m);
        });
        mutex::lock(m)?;
        if deferred.is_some() {
            drop(deferred);
            cancel::obey();
        }
        match parked {
            Parked::Woken(Wake::TimedOut) => Err(Exit::Errno(libc::ETIMEDOUT)),
            Parked::Woken(Wake::Cancelled) if cancel::is_pending() => Err(Exit::Cancelled),
            // Or a stale reason came: POSIX lets a wait end early, and a signal sent meanwhile must not be lost by waiting again.
            _ => Ok(()),
        }
    }
}
