//! pthread_rwlock: libc's try functions decide; readers and writers park on the lock's address.
//!
//! A release wakes one writer and every reader, who compete again. The default kind prefers readers, as in
//! glibc; with PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP a reader also waits for a writer that waits.

use super::{deadline, is_own};
use crate::errno::Exit;
use crate::park::Wake;
use crate::park::lot::{self, Kind, Parked};
use crate::real;
use crate::report::Call;
use crate::sys::time::Deadline;
use crate::thread::bind;
use crate::thread::wait::Wait;
use core::ffi::c_int;

type Lock = libc::pthread_rwlock_t;

const CUR_WRITER: usize = 24;
const SHARED: usize = 28;
const FLAGS: usize = 48;
const PREFER_WRITER_NONRECURSIVE: u32 = 2;
const _: () = assert!(size_of::<Lock>() == 56);

/// # Safety
/// `l` is an initialised lock and `offset` one of the above.
unsafe fn field(l: *mut Lock, offset: usize) -> u32 {
    // SAFETY: within the object.
    unsafe { l.byte_add(offset).cast::<u32>().read_volatile() }
}

/// pthread_rwlock_rdlock(3).
///
/// # Safety
/// As the C function.
pub unsafe fn rdlock(l: *mut Lock) -> Result<(), Exit> {
    // SAFETY: the caller's lock.
    unsafe { acquire(l, Kind::Read, || Ok(None)) }
}

/// pthread_rwlock_tryrdlock(3): glibc's own, unless a writer that must be preferred is parked with us.
///
/// # Safety
/// As the C function.
pub unsafe fn tryrdlock(l: *mut Lock) -> Result<(), Exit> {
    // SAFETY: the caller's lock.
    let waits = unsafe {
        bind_if_shared(l);
        field(l, FLAGS) == PREFER_WRITER_NONRECURSIVE && lot::is_awaited(l as usize, Kind::Write)
    };
    Err(if waits { Exit::Errno(libc::EBUSY) } else { Exit::Native })
}

/// pthread_rwlock_trywrlock(3): glibc's own.
///
/// # Safety
/// As the C function.
pub unsafe fn trywrlock(l: *mut Lock) -> Result<(), Exit> {
    // SAFETY: the caller's lock.
    unsafe { bind_if_shared(l) };
    Err(Exit::Native)
}

/// A lock in shared memory names its writer by tid, which only a kernel thread has to itself among several processes.
///
/// # Safety
/// `l` is an initialised lock.
unsafe fn bind_if_shared(l: *mut Lock) -> bool {
    // SAFETY: the caller's lock.
    let shared = unsafe { field(l, SHARED) } != 0;
    if shared {
        bind::to_unique_tid();
    }
    shared
}

/// pthread_rwlock_wrlock(3).
///
/// # Safety
/// As the C function.
pub unsafe fn wrlock(l: *mut Lock) -> Result<(), Exit> {
    // SAFETY: the caller's lock.
    unsafe { acquire(l, Kind::Write, || Ok(None)) }
}

/// pthread_rwlock_timedrdlock(3).
///
/// # Safety
/// As the C function.
pub unsafe fn timedrdlock(l: *mut Lock, at: *const libc::timespec) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe { clockrdlock(l, libc::CLOCK_REALTIME, at) }
}

/// pthread_rwlock_timedwrlock(3).
///
/// # Safety
/// As the C function.
pub unsafe fn timedwrlock(l: *mut Lock, at: *const libc::timespec) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe { clockwrlock(l, libc::CLOCK_REALTIME, at) }
}

/// pthread_rwlock_clockrdlock(3).
///
/// # Safety
/// As the C function.
pub unsafe fn clockrdlock(l: *mut Lock, clock: libc::clockid_t, at: *const libc::timespec) -> Result<(), Exit> {
    // SAFETY: the caller's arguments. glibc checks the time first.
    unsafe {
        let until = deadline(clock, at)?;
        acquire(l, Kind::Read, || Ok(Some(until)))
    }
}

/// pthread_rwlock_clockwrlock(3).
///
/// # Safety
/// As the C function.
pub unsafe fn clockwrlock(l: *mut Lock, clock: libc::clockid_t, at: *const libc::timespec) -> Result<(), Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let until = deadline(clock, at)?;
        acquire(l, Kind::Write, || Ok(Some(until)))
    }
}

/// # Safety
/// `l` is an initialised lock.
unsafe fn attempt(l: *mut Lock, kind: Kind) -> c_int {
    // SAFETY: the caller's lock.
    unsafe {
        match kind {
            Kind::Write => real::pthread_rwlock_trywrlock(l),
            _ if field(l, FLAGS) == PREFER_WRITER_NONRECURSIVE && lot::is_awaited(l as usize, Kind::Write) => {
                libc::EBUSY
            }
            _ => real::pthread_rwlock_tryrdlock(l),
        }
    }
}

/// # Safety
/// `l` is an initialised lock.
unsafe fn acquire(
    l: *mut Lock, kind: Kind, until: impl FnOnce() -> Result<Option<Deadline>, Exit>,
) -> Result<(), Exit> {
    // SAFETY: the caller's lock throughout.
    unsafe {
        if bind_if_shared(l) {
            return Err(Exit::Offloaded);
        }
        match attempt(l, kind) {
            0 => return Ok(()),
            libc::EBUSY => {}
            e => return Err(Exit::Errno(e)),
        }
        if is_own(field(l, CUR_WRITER)) {
            return Err(Exit::Errno(libc::EDEADLK));
        }
        let how = Wait::until(Call::Rwlock, until()?);
        loop {
            let mut status = libc::EBUSY;
            // Asked before: the bucket's lock is held in `validate`. Should the writer give up meanwhile, the
            // readers that keep the lock held will wake this one when they release it.
            let yields = kind == Kind::Read
                && field(l, FLAGS) == PREFER_WRITER_NONRECURSIVE
                && lot::is_awaited(l as usize, Kind::Write);
            let parked = lot::park(
                l as usize,
                kind,
                u32::MAX,
                &how,
                || {
                    if kind == Kind::Write {
                        status = real::pthread_rwlock_trywrlock(l);
                    } else if !(yields && is_read_held(l)) {
                        status = real::pthread_rwlock_tryrdlock(l);
                    }
                    status == libc::EBUSY
                },
                || {},
            );
            if let Parked::Woken(why) = parked {
                status = attempt(l, kind);
                if status == libc::EBUSY && why == Wake::TimedOut {
                    // Readers may have waited for this writer only.
                    if kind == Kind::Write {
                        lot::unpark(l as usize, Kind::Read, usize::MAX, u32::MAX);
                    }
                    return Err(Exit::Errno(libc::ETIMEDOUT));
                }
            }
            match status {
                0 => return Ok(()),
                libc::EBUSY => {}
                e => return Err(Exit::Errno(e)),
            }
        }
    }
}

/// Whether readers hold the lock now.
///
/// # Safety
/// `l` is an initialised lock.
unsafe fn is_read_held(l: *mut Lock) -> bool {
    const READER_SHIFT: u32 = 3;
    // SAFETY: the caller's lock; `__readers` is its first word.
    unsafe { field(l, 0) >> READER_SHIFT != 0 }
}

/// pthread_rwlock_unlock(3).
///
/// # Safety
/// As the C function.
pub unsafe fn unlock(l: *mut Lock) -> Result<(), Exit> {
    // SAFETY: the caller's lock; `shared` is read before it may be freed.
    unsafe {
        let shared = field(l, SHARED) != 0;
        match bind::as_owner(field(l, CUR_WRITER), || real::pthread_rwlock_unlock(l)) {
            0 => {}
            e => return Err(Exit::Errno(e)),
        }
        if !shared && lot::has_waiters_after_rmw(l as usize) {
            lot::unpark(l as usize, Kind::Write, 1, u32::MAX);
            lot::unpark(l as usize, Kind::Read, usize::MAX, u32::MAX);
        }
    }
    Ok(())
}
