//! C11 threads: the POSIX operations with C11's return codes.

use super::create::create_as;
use super::thread::{detach_thread, join_thread, to_be_joined};
use crate::errno::Exit;
use crate::sync::{cond, mutex};
use crate::thread;
use core::ffi::{c_int, c_void};
use libc::{pthread_cond_t, pthread_mutex_t, pthread_t, timespec};

pub type Start = unsafe extern "C-unwind" fn(*mut c_void) -> c_int;

const SUCCESS: c_int = 0;
const BUSY: c_int = 1;
const ERROR: c_int = 2;
const NOMEM: c_int = 3;
const TIMEDOUT: c_int = 4;

/// glibc's mapping of error numbers to thrd_* codes.
fn code(end: Result<(), Exit>) -> Result<c_int, Exit> {
    match end {
        Ok(()) => Ok(SUCCESS),
        Err(Exit::Errno(libc::ENOMEM)) => Ok(NOMEM),
        Err(Exit::Errno(libc::ETIMEDOUT)) => Ok(TIMEDOUT),
        Err(Exit::Errno(libc::EBUSY)) => Ok(BUSY),
        Err(Exit::Errno(_)) => Ok(ERROR),
        Err(e) => Err(e),
    }
}

/// thrd_create(3).
///
/// # Safety
/// As the C function.
pub unsafe fn thrd_create(out: *mut pthread_t, start: Start, arg: *mut c_void) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments; the two prototypes differ in the result only, which `exit` reads as an
    // int for these threads.
    unsafe { code(create_as(out, core::ptr::null(), core::mem::transmute::<Start, thread::Start>(start), arg, true)) }
}

/// thrd_join(3).
///
/// # Safety
/// As the C function.
pub unsafe fn thrd_join(handle: pthread_t, result: *mut c_int) -> Result<c_int, Exit> {
    let mut value = core::ptr::null_mut();
    // SAFETY: the caller's arguments.
    unsafe {
        let end = code(join_thread(to_be_joined(handle)?, &mut value, || Ok(None)));
        if end == Ok(SUCCESS) && !result.is_null() {
            *result = value as usize as c_int;
        }
        end
    }
}

/// thrd_detach(3).
///
/// # Safety
/// As the C function.
pub unsafe fn thrd_detach(handle: pthread_t) -> Result<c_int, Exit> {
    // SAFETY: the caller's handle.
    match unsafe { thread::of_handle(handle) } {
        Some(t) => code(detach_thread(t)),
        None => Err(Exit::Native),
    }
}

/// mtx_lock(3).
///
/// # Safety
/// As the C function.
pub unsafe fn mtx_lock(m: *mut pthread_mutex_t) -> Result<c_int, Exit> {
    // SAFETY: a mtx_t is a pthread mutex in glibc.
    code(unsafe { mutex::lock(m) })
}

/// mtx_timedlock(3).
///
/// # Safety
/// As the C function.
pub unsafe fn mtx_timedlock(m: *mut pthread_mutex_t, at: *const timespec) -> Result<c_int, Exit> {
    // SAFETY: as above.
    code(unsafe { mutex::timedlock(m, at) })
}

/// mtx_unlock(3).
///
/// # Safety
/// As the C function.
pub unsafe fn mtx_unlock(m: *mut pthread_mutex_t) -> Result<c_int, Exit> {
    // SAFETY: as above.
    code(unsafe { mutex::unlock(m) })
}

/// cnd_wait(3).
///
/// # Safety
/// As the C function.
pub unsafe fn cnd_wait(c: *mut pthread_cond_t, m: *mut pthread_mutex_t) -> Result<c_int, Exit> {
    // SAFETY: a cnd_t is a pthread condition in glibc.
    code(unsafe { cond::wait(c, m) })
}

/// cnd_timedwait(3).
///
/// # Safety
/// As the C function.
pub unsafe fn cnd_timedwait(
    c: *mut pthread_cond_t, m: *mut pthread_mutex_t, at: *const timespec,
) -> Result<c_int, Exit> {
    // SAFETY: as above.
    code(unsafe { cond::timedwait(c, m, at) })
}

/// cnd_signal(3).
///
/// # Safety
/// As the C function.
pub unsafe fn cnd_signal(c: *mut pthread_cond_t) -> Result<c_int, Exit> {
    // SAFETY: as above.
    code(unsafe { cond::signal(c) })
}

/// cnd_broadcast(3).
///
/// # Safety
/// As the C function.
pub unsafe fn cnd_broadcast(c: *mut pthread_cond_t) -> Result<c_int, Exit> {
    // SAFETY: as above.
    code(unsafe { cond::broadcast(c) })
}
