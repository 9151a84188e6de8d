//! The calls by which threads join, detach, cancel and end one another, and their keys.

use crate::arch;
use crate::atomic::Ordering;
use crate::errno::Exit;
use crate::park::Wake;
use crate::park::lot::{self, Kind, Parked};
use crate::real;
use crate::report::Call;
use crate::start;
use crate::sync::deadline;
use crate::sys::{self, sig, time::Deadline};
use crate::thread::wait::Wait;
use crate::thread::{
    self, DETACHED, ENDED, FOREIGN_JOINER, FREE, JOINABLE, Thread, cancel as cancellation, exit, is_main, keys, recycle,
};
use crate::tls;
use core::ffi::{c_int, c_void};
use libc::pthread_t;

/// The green thread behind a handle.
///
/// # Safety
/// As any pthread call on the handle.
pub(super) unsafe fn of(handle: pthread_t) -> Result<&'static Thread, Exit> {
    // SAFETY: the caller's handle.
    unsafe { thread::of_handle(handle) }.ok_or(Exit::Native)
}

/// The thread that a call waits for; the wait for a kernel thread is libc's.
///
/// # Safety
/// As any pthread call on the handle.
pub(super) unsafe fn to_be_joined(handle: pthread_t) -> Result<&'static Thread, Exit> {
    // SAFETY: the caller's handle.
    unsafe { thread::of_handle(handle) }.ok_or(Exit::Offloaded)
}

/// pthread_join(3).
///
/// # Safety
/// As the C function.
pub unsafe fn join(handle: pthread_t, value: *mut *mut c_void) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe { join_thread(to_be_joined(handle)?, value, || Ok(None)) }
}

/// pthread_timedjoin_np(3): absolute CLOCK_REALTIME; null waits for ever.
///
/// # Safety
/// As the C function.
pub unsafe fn timedjoin(handle: pthread_t, value: *mut *mut c_void, at: *const libc::timespec) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe { clockjoin(handle, value, libc::CLOCK_REALTIME, at) }
}

/// pthread_clockjoin_np(3).
///
/// # Safety
/// As the C function.
pub unsafe fn clockjoin(
    handle: pthread_t, value: *mut *mut c_void, clock: libc::clockid_t, at: *const libc::timespec,
) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        join_thread(
            to_be_joined(handle)?,
            value,
            || if at.is_null() { Ok(None) } else { deadline(clock, at).map(Some) },
        )
    }
}

/// pthread_tryjoin_np(3).
///
/// # Safety
/// As the C function.
pub unsafe fn tryjoin(handle: pthread_t, value: *mut *mut c_void) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let t = of(handle)?;
        if matches!(t.life.load(Ordering::Acquire), JOINABLE | DETACHED) {
            return Err(Exit::Errno(libc::EBUSY));
        }
        join_thread(t, value, || Ok(None))
    }
}

/// # Safety
/// `value` is null or valid.
pub(super) unsafe fn join_thread(
    t: &'static Thread, value: *mut *mut c_void, until: impl FnOnce() -> Result<Option<Deadline>, Exit>,
) -> Result<(), Exit> {
    claim_join(t)?;
    // SAFETY: the caller's promise.
    unsafe { join_claimed(t, value, until) }
}

/// The caller is who joins it, if nobody else is.
pub(super) fn claim_join(t: &'static Thread) -> Result<(), Exit> {
    match t.life.load(Ordering::Acquire) {
        FREE => return Err(Exit::Errno(libc::ESRCH)),
        DETACHED => return Err(Exit::Errno(libc::EINVAL)),
        _ => {}
    }
    let me = arch::tls::current();
    let own = if me.is_null() { FOREIGN_JOINER } else { me as usize };
    // SAFETY: records are never freed.
    let waits_for_me = !me.is_null() && unsafe { (*me).joiner.load(Ordering::Acquire) } == t as *const Thread as usize;
    if core::ptr::eq(me, t) || (waits_for_me && !cancellation::is_requested(t.tp())) {
        return Err(Exit::Errno(libc::EDEADLK));
    }
    match t.joiner.compare_exchange(0, own, Ordering::AcqRel, Ordering::Relaxed) {
        Ok(_) => Ok(()),
        Err(_) => Err(Exit::Errno(libc::EINVAL)),
    }
}

/// # Safety
/// As [`join_thread`], after [`claim_join`].
pub(super) unsafe fn join_claimed(
    t: &'static Thread, value: *mut *mut c_void, until: impl FnOnce() -> Result<Option<Deadline>, Exit>,
) -> Result<(), Exit> {
    let end = until().and_then(|until| wait_for_end(t, until));
    if end.is_err() {
        t.joiner.store(0, Ordering::Release);
        return end;
    }
    wait_for_kernel_thread(t);
    // SAFETY: the caller's pointer.
    unsafe {
        if !value.is_null() {
            *value = t.value.get();
        }
    }
    recycle::give(t);
    Ok(())
}

/// A bound thread has ended when its kernel thread has: only then its robust mutexes have been seen to.
fn wait_for_kernel_thread(t: &Thread) {
    const LOOK: u64 = 200_000;
    while t.is_bound() && !is_main(t) && sig::tgkill(t.tid(), 0).is_ok() {
        thread::wait::sleep(&Wait::until(Call::Join, Some(sys::time::after(LOOK))));
    }
}

/// A cancellation ends the wait, not the join of a thread that has ended.
fn wait_for_end(t: &Thread, until: Option<Deadline>) -> Result<(), Exit> {
    let how = Wait::until(Call::Join, until).cancellable().failing();
    loop {
        let running = || t.life.load(Ordering::SeqCst) != ENDED;
        match lot::park(t as *const Thread as usize, Kind::Join, u32::MAX, &how, running, || {}) {
            Parked::Invalid => return Ok(()),
            Parked::Woken(Wake::TimedOut) if running() => return Err(Exit::Errno(libc::ETIMEDOUT)),
            Parked::Woken(Wake::Cancelled) if cancellation::is_pending() => return Err(Exit::Cancelled),
            Parked::Woken(Wake::Interrupted) if let Some(thrown) = thread::throw::take() => return Err(thrown.into()),
            Parked::Woken(_) => {}
        }
    }
}

/// pthread_detach(3).
///
/// # Safety
/// As the C function.
pub unsafe fn detach(handle: pthread_t) -> Result<(), Exit> {
    // SAFETY: the caller's handle.
    detach_thread(unsafe { of(handle)? })
}

pub(super) fn detach_thread(t: &'static Thread) -> Result<(), Exit> {
    match t.life.compare_exchange(JOINABLE, DETACHED, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(()),
        Err(ENDED) => {
            recycle::give(t);
            Ok(())
        }
        Err(DETACHED) => Err(Exit::Errno(libc::EINVAL)),
        Err(_) => Err(Exit::Errno(libc::ESRCH)),
    }
}

/// pthread_cancel(3).
///
/// # Safety
/// As the C function.
pub unsafe fn cancel(handle: pthread_t) -> Result<(), Exit> {
    // SAFETY: the caller's handle.
    let Some(t) = (unsafe { thread::of_handle(handle) }) else { return cancel_foreign(handle) };
    let own = core::ptr::eq(arch::tls::current(), t);
    match t.life.load(Ordering::Acquire) {
        FREE => Err(Exit::Errno(libc::ESRCH)),
        ENDED => Ok(()),
        // glibc acts at once on itself when asynchronous.
        _ if own => {
            cancellation::learn_bits();
            Err(Exit::Native)
        }
        _ if cancellation::request(t) => Ok(()),
        _ => Err(Exit::Native),
    }
}

/// Of a thread that is not ours: glibc does it, but wakes nobody who sleeps in a call of ours.
fn cancel_foreign(handle: pthread_t) -> Result<(), Exit> {
    cancellation::learn_bits();
    if handle as usize == arch::thread_pointer() {
        return Err(Exit::Native);
    }
    // SAFETY: the caller's handle, of a thread that exists.
    let error = unsafe { real::pthread_cancel(handle) };
    if error != 0 {
        return Err(Exit::Errno(error));
    }
    thread::foreign::cancelled(handle as usize);
    Ok(())
}

/// pthread_setcancelstate(3): glibc's own; enabling is not a cancellation point.
///
/// # Safety
/// As the C function.
pub unsafe fn setcancelstate(_state: c_int, _old: *mut c_int) -> Result<(), Exit> {
    Err(Exit::Native)
}

/// pthread_setcanceltype(3): glibc's own.
///
/// # Safety
/// As the C function.
pub unsafe fn setcanceltype(_kind: c_int, _old: *mut c_int) -> Result<(), Exit> {
    Err(Exit::Native)
}

/// pthread_testcancel(3): glibc's own, which unwinds; main is cancelled here or not at all, because it must be ready for it.
///
/// # Safety
/// As the C function.
pub unsafe fn testcancel() -> Result<(), Exit> {
    if crate::thread::exit::before_cancel() { Err(Exit::Native) } else { Ok(()) }
}

/// The calling thread ends. Whether the engine was started for that: to libc the library's own kernel threads are the program's, and
/// the process would never end.
pub fn is_last_but_helpers() -> bool {
    tls::are_running() && start::activate()
}

/// pthread_exit(3), before libc unwinds.
///
/// # Safety
/// Called from the hook, just before the real function.
pub unsafe fn before_exit(value: *mut c_void) {
    exit::before_exit(value);
}

/// pthread_key_create(3).
///
/// # Safety
/// As the C function.
pub unsafe fn key_create(key: *mut libc::pthread_key_t, destructor: Option<keys::Destructor>) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        match real::pthread_key_create(key, destructor) {
            0 => {
                keys::created(*key, destructor);
                Ok(())
            }
            e => Err(Exit::Errno(e)),
        }
    }
}

/// pthread_key_delete(3).
///
/// # Safety
/// As the C function.
pub unsafe fn key_delete(key: libc::pthread_key_t) -> Result<(), Exit> {
    keys::deleted(key);
    Err(Exit::Native)
}
