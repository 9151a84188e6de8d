//! Reads of the program's memory that may not be there: where the kernel would answer EFAULT, so do we.

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
