//! pthread_mutex: libc's trylock decides, a thread that finds it busy parks on its address.
//!
//! The unlock hook unlocks for real and then wakes one waiter; a woken thread competes again (as with glibc, a
//! running thread may be faster); one that has lost a few times is let run at once. Robust and priority-inheriting mutexes hold their owner's kernel tid, so a
//! thread that locks one is bound to a kernel thread first.

use super::{deadline, is_own};
use crate::arch::tls;
use crate::atomic::Ordering;
use crate::errno::Exit;
use crate::ops::{self, offload};
use crate::park::Wake;
use crate::park::lot::{self, Kind, Parked};
use crate::park::tally::Tally;
use crate::real;
use crate::report::Call;
use crate::sched;
use crate::sys::time::Deadline;
use crate::thread::bind;
use crate::thread::wait::Wait;
use core::ffi::c_int;

type Mutex = libc::pthread_mutex_t;

/// glibc's layout of a mutex: `struct __pthread_mutex_s`.
#[repr(C)]
struct Layout {
    lock: c_int,
    count: u32,
    owner: c_int,
    nusers: u32,
    kind: c_int,
}

const _: () = assert!(size_of::<Mutex>() == 40 && size_of::<Layout>() <= 40);

const TYPE_MASK: c_int = 3;
const RECURSIVE: c_int = 1;
const ERRORCHECK: c_int = 2;
const ROBUST_OR_PI: c_int = 16 | 32;
const PROTECTED: c_int = 64;
const SHARED: c_int = 128;

/// # Safety
/// `m` is an initialised mutex.
unsafe fn layout(m: *mut Mutex) -> *mut Layout {
    m.cast()
}

/// # Safety
/// `m` is an initialised mutex.
unsafe fn kind(m: *mut Mutex) -> c_int {
    // SAFETY: the caller's promise; the kind does not change after initialisation.
    unsafe { (*layout(m)).kind }
}

/// Waiters that have been woken in vain again and again, by mutex.
static STARVING: Tally = Tally::new();
/// How often a waiter may be woken in vain before unlocking lets it run.
const IN_VAIN: u32 = 3;

/// Whether the kernel, or another process, has a part in it.
///
/// # Safety
/// `m` is an initialised mutex.
pub(super) unsafe fn is_kernels(m: *mut Mutex) -> bool {
    // SAFETY: the caller's mutex.
    is_kernels_kind(unsafe { kind(m) })
}

/// Sees to it that the owner's tid, which such a mutex holds, is one that the kernel knows, or no other process has.
fn prepare_owner(kind: c_int) {
    if kind & ROBUST_OR_PI != 0 {
        bind::to_kernel_tid();
    } else if kind & SHARED != 0 && matches!(kind & TYPE_MASK, RECURSIVE | ERRORCHECK) {
        bind::to_unique_tid();
    }
}

fn is_kernels_kind(kind: c_int) -> bool {
    kind & (ROBUST_OR_PI | PROTECTED | SHARED) != 0
}

/// Whether the mutex compares its owner with the thread that calls, and the caller may have held it since before it was
/// bound.
///
/// # Safety
/// `m` is an initialised mutex.
#[inline(always)]
unsafe fn former_owner(m: *mut Mutex) -> Option<u32> {
    // SAFETY: the caller's mutex.
    let (kind, owner) = unsafe { (kind(m), (*layout(m)).owner as u32) };
    (matches!(kind & TYPE_MASK, RECURSIVE | ERRORCHECK) && bind::is_former(owner)).then_some(owner)
}

/// libc's trylock, by which a thread that holds the mutex since before it was bound is known.
///
/// # Safety
/// `m` is an initialised mutex.
#[inline(always)]
unsafe fn try_as_owner(m: *mut Mutex) -> c_int {
    // SAFETY: the caller's mutex.
    unsafe {
        match former_owner(m) {
            None => real::pthread_mutex_trylock(m),
            Some(owner) => bind::as_owner(owner, || real::pthread_mutex_trylock(m)),
        }
    }
}

/// pthread_mutex_lock(3).
///
/// # Safety
/// As the C function.
pub unsafe fn lock(m: *mut Mutex) -> Result<(), Exit> {
    // SAFETY: the caller's mutex.
    unsafe { acquire(m, None, || real::pthread_mutex_lock(m)) }
}

/// pthread_mutex_trylock(3): glibc's own, on a kernel thread where the owner's tid is the kernel's business.
///
/// # Safety
/// As the C function.
pub unsafe fn trylock(m: *mut Mutex) -> Result<(), Exit> {
    // SAFETY: the caller's mutex.
    unsafe {
        prepare_owner(kind(m));
        if former_owner(m).is_none() {
            return Err(Exit::Native);
        }
        match try_as_owner(m) {
            0 => Ok(()),
            e => Err(Exit::Errno(e)),
        }
    }
}

/// pthread_mutex_timedlock(3): absolute CLOCK_REALTIME.
///
/// # Safety
/// As the C function.
pub unsafe fn timedlock(m: *mut Mutex, at: *const libc::timespec) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe { clocklock(m, libc::CLOCK_REALTIME, at) }
}

/// pthread_mutex_clocklock(3).
///
/// # Safety
/// As the C function.
pub unsafe fn clocklock(m: *mut Mutex, clock: libc::clockid_t, at: *const libc::timespec) -> Result<(), Exit> {
    // SAFETY: the caller's arguments. An uncontended lock does not look at the time, as in glibc.
    unsafe {
        if is_kernels(m) {
            return timed_natively(m, clock, at);
        }
        match try_as_owner(m) {
            0 => Ok(()),
            libc::EBUSY => {
                // A time before the epoch is past, whatever its nanoseconds, as in glibc.
                let past = libc::timespec { tv_sec: 0, tv_nsec: 0 };
                let until = deadline(clock, if (*at).tv_sec < 0 { &raw const past } else { at });
                acquire(m, Some(until?), || real::pthread_mutex_lock(m))
            }
            e => Err(Exit::Errno(e)),
        }
    }
}

/// # Safety
/// `m` is an initialised mutex; `native` locks it with libc.
unsafe fn acquire(m: *mut Mutex, until: Option<Deadline>, native: impl FnOnce() -> c_int) -> Result<(), Exit> {
    // SAFETY: the caller's mutex throughout.
    unsafe {
        let kind = kind(m);
        if is_kernels_kind(kind) {
            return acquire_natively(m, kind, native);
        }
        match try_as_owner(m) {
            0 => Ok(()),
            libc::EBUSY => lock_contended(m, kind, until),
            e => Err(Exit::Errno(e)),
        }
    }
}

/// # Safety
/// As [`acquire`].
#[cold]
unsafe fn lock_contended(m: *mut Mutex, kind: c_int, until: Option<Deadline>) -> Result<(), Exit> {
    // SAFETY: the caller's mutex.
    unsafe {
        if kind & TYPE_MASK == ERRORCHECK && is_own((*layout(m)).owner as u32) {
            return Err(Exit::Errno(libc::EDEADLK));
        }
        let how = Wait::until(Call::Mutex, until);
        let mut turns = Turns { m, in_vain: 0 };
        loop {
            let mut status = libc::EBUSY;
            let parked = lot::park(
                m as usize,
                Kind::Mutex,
                u32::MAX,
                &how,
                || {
                    status = try_as_owner(m);
                    status == libc::EBUSY
                },
                || {},
            );
            if let Parked::Woken(why) = parked {
                status = try_as_owner(m);
                if status == libc::EBUSY && why == Wake::TimedOut {
                    return Err(Exit::Errno(libc::ETIMEDOUT));
                }
            }
            match status {
                0 => return Ok(()),
                libc::EBUSY => turns.in_vain(),
                e => return Err(Exit::Errno(e)),
            }
        }
    }
}

/// How often a waiter has been woken in vain. It may leave by being cancelled.
struct Turns {
    m: *mut Mutex,
    in_vain: u32,
}

impl Turns {
    fn in_vain(&mut self) {
        self.in_vain += 1;
        if self.in_vain == IN_VAIN {
            STARVING.of(self.m).fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        if self.in_vain >= IN_VAIN {
            STARVING.of(self.m).fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// # Safety
/// As [`clocklock`].
#[cold]
unsafe fn timed_natively(m: *mut Mutex, clock: libc::clockid_t, at: *const libc::timespec) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe { acquire_natively(m, kind(m), || real::pthread_mutex_clocklock(m, clock, at)) }
}

/// # Safety
/// As [`acquire`].
#[cold]
unsafe fn acquire_natively(m: *mut Mutex, kind: c_int, native: impl FnOnce() -> c_int) -> Result<(), Exit> {
    prepare_owner(kind);
    // SAFETY: the caller's mutex.
    let status = match unsafe { try_as_owner(m) } {
        libc::EBUSY => {
            let scope = offload::enter();
            let status = native();
            offload::leave(scope);
            status
        }
        done => done,
    };
    if status == 0 { Ok(()) } else { Err(Exit::Errno(status)) }
}

/// pthread_mutex_unlock(3).
///
/// # Safety
/// As the C function.
pub unsafe fn unlock(m: *mut Mutex) -> Result<(), Exit> {
    // SAFETY: the caller's mutex. Its memory may be freed by another thread once it is unlocked, so what is
    // needed is read before.
    unsafe {
        let kind = kind(m);
        let stays_locked = kind & TYPE_MASK == RECURSIVE && (*layout(m)).count > 1;
        let status = match former_owner(m) {
            None => real::pthread_mutex_unlock(m),
            Some(owner) => bind::as_owner(owner, || real::pthread_mutex_unlock(m)),
        };
        if status != 0 {
            return Err(Exit::Errno(status));
        }
        if !is_kernels_kind(kind) && !stays_locked {
            let woken = lot::unpark_after_rmw(m as usize, Kind::Mutex, 1);
            if woken != 0 && STARVING.of(m).load(Ordering::Relaxed) != 0 {
                let_it_run();
            }
        }
    }
    Ok(())
}

/// The thread that has just been woken goes first: it has been woken before, and found the mutex locked by one that keeps it
/// while it waits for something else. (Three threads that each sleep under a lock, on one worker: one of them had it for ever.)
#[cold]
fn let_it_run() {
    // Not from inside a wait, which releases the mutex on its way.
    if tls::depth() == 0
        && let Some(t) = ops::green()
    {
        tls::enter();
        sched::yield_now(t);
        tls::leave();
    }
}

/// Whether the calling thread may unlock it, for the kinds that know.
///
/// # Safety
/// `m` is an initialised mutex.
pub(super) unsafe fn is_unlockable(m: *mut Mutex) -> bool {
    // SAFETY: the caller's mutex.
    unsafe { !matches!(kind(m) & TYPE_MASK, ERRORCHECK | RECURSIVE) || is_own((*layout(m)).owner as u32) }
}

/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork() {
    STARVING.reset();
}
