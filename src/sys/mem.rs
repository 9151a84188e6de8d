//! The program's memory that may not be there: where the kernel would answer EFAULT, so do we.

use crate::arch;
use crate::errno::Errno;
use core::mem::MaybeUninit;

/// Copies a `T` from the program's memory; `EFAULT` when it cannot be read.
pub fn read<T: Copy>(from: *const T) -> Result<T, Errno> {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the destination is a live local of `T`'s size; a source that faults is reported, and any bytes are
    // a `T` for the plain data this is used with.
    unsafe {
        if arch::copy_guarded(value.as_mut_ptr().cast(), from.cast(), size_of::<T>()) {
            Ok(value.assume_init())
        } else {
            Err(Errno(libc::EFAULT))
        }
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
    // SAFETY: the caller's promise; a destination that faults is reported as a source is, by the same instruction.
    let done = unsafe { arch::copy_guarded(to.cast(), values.as_ptr().cast(), size_of_val(values)) };
    if done { Ok(()) } else { Err(Errno(libc::EFAULT)) }
}

/// Copies `n` of them.
pub fn read_all<T: Copy>(from: *const T, n: usize) -> Result<Vec<T>, Errno> {
    let mut values = Vec::<T>::with_capacity(n);
    // SAFETY: as in `read`; the vector has room for `n`.
    unsafe {
        if !arch::copy_guarded(values.as_mut_ptr().cast(), from.cast(), n * size_of::<T>()) {
            return Err(Errno(libc::EFAULT));
        }
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
