//! The program's memory that may not be there: where the kernel would answer EFAULT, so do we.

use super::getpid;
use crate::arch;
use crate::atomic::{AtomicBool, Ordering};
use crate::errno::Errno;
use core::ffi::c_void;
use core::mem::MaybeUninit;

/// Whether the engine's SIGSEGV handler is in place. The kernel copies where it is not, which costs a call.
static IS_GUARDED: AtomicBool = AtomicBool::new(false);

/// The engine's SIGSEGV handler is in place.
pub fn guard() {
    IS_GUARDED.store(true, Ordering::Relaxed);
}

/// Copies `len` bytes; `EFAULT` when the source cannot be read, or the destination cannot be written.
///
/// # Safety
/// What is at `to`, if anything, is the caller's to write.
unsafe fn copy(to: *mut c_void, from: *const c_void, len: usize) -> Result<(), Errno> {
    // SAFETY: the caller's promise, of both ways.
    let done = unsafe {
        if IS_GUARDED.load(Ordering::Relaxed) {
            arch::copy_guarded(to.cast(), from.cast(), len)
        } else {
            copy_by_kernel(to, from, len)
        }
    };
    if done { Ok(()) } else { Err(Errno(libc::EFAULT)) }
}

/// # Safety
/// As above.
#[cold]
unsafe fn copy_by_kernel(to: *mut c_void, from: *const c_void, len: usize) -> bool {
    let here = libc::iovec { iov_base: to, iov_len: len };
    let there = libc::iovec { iov_base: from.cast_mut(), iov_len: len };
    // SAFETY: the caller's promise; two live vectors.
    unsafe {
        match crate::syscall!(libc::SYS_process_vm_readv, getpid(), &raw const here, 1usize, &raw const there, 1usize) {
            Ok(copied) => copied == len,
            Err(Errno(libc::EFAULT)) => false,
            // Forbidden here (seccomp): then a fault is a fault.
            Err(_) => {
                to.copy_from_nonoverlapping(from, len);
                true
            }
        }
    }
}

/// Copies a `T` from the program's memory; `EFAULT` when it cannot be read.
pub fn read<T: Copy>(from: *const T) -> Result<T, Errno> {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the destination is a live local of `T`'s size; a source that faults is reported, and any bytes are
    // a `T` for the plain data this is used with.
    unsafe {
        copy(value.as_mut_ptr().cast(), from.cast(), size_of::<T>())?;
        Ok(value.assume_init())
    }
}

/// Copies a `T` into the program's memory; `EFAULT` when it cannot be written, and part of it may be there then.
///
/// # Safety
/// `to` is what the program gave as a place for one.
pub unsafe fn write<T: Copy>(to: *mut T, value: T) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    unsafe { write_all(to, core::slice::from_ref(&value)) }
}

/// Copies all of them.
///
/// # Safety
/// As above, for as many.
pub unsafe fn write_all<T: Copy>(to: *mut T, values: &[T]) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    unsafe { copy(to.cast(), values.as_ptr().cast(), size_of_val(values)) }
}

/// Copies `n` of them.
pub fn read_all<T: Copy>(from: *const T, n: usize) -> Result<Vec<T>, Errno> {
    let mut values = Vec::<T>::with_capacity(n);
    // SAFETY: as in `read`; the vector has room for `n`.
    unsafe {
        copy(values.as_mut_ptr().cast(), from.cast(), n * size_of::<T>())?;
        values.set_len(n);
    }
    Ok(values)
}

/// Whether the eight bytes at `at` can be written, by writing them: the kernel is asked, so that nothing faults.
///
/// # Safety
/// What is there, if anything, is of no use to anybody.
pub unsafe fn is_writable(at: usize) -> bool {
    // SAFETY: asks only, for the mask; the kernel writes eight bytes where the caller allows it.
    unsafe { crate::syscall!(libc::SYS_rt_sigprocmask, libc::SIG_BLOCK, 0usize, at, 8usize) }.is_ok()
}
