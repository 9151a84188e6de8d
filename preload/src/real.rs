//! The next definitions, typed: what a hook calls when an operation is not ours.
//!
//! The engine resolves them (`engine::real::Next`); this file gives the address its type, which is the hook's own.
//! A function may be missing, because this libc is older than the hook: nothing here panics about it.

use core::mem::size_of;
use engine::real::Next;

/// The next definition as a function pointer of type `F`, or `None` when libc has no such function.
///
/// # Safety
/// `F` is an `extern "C-unwind"` function pointer with the prototype of `next`'s function.
#[inline]
pub unsafe fn typed<F: Copy>(next: &Next) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<*const ()>()) };
    let address = next.get();
    if address.is_null() {
        return None;
    }
    // SAFETY: same size, not null, and the caller vouches for the prototype.
    Some(unsafe { core::mem::transmute_copy(&address) })
}

/// Ends the calling thread if it has been cancelled, as `pthread_testcancel(3)` does: by unwinding out of here.
///
/// # Safety
/// No caller up to the hook holds a value with a destructor.
#[cold]
pub unsafe fn test_cancel() {
    #[unsafe(link_section = "greenlet_next")]
    static NEXT: Next = Next::new(c"pthread_testcancel", None);
    if !engine::thread::exit::before_cancel() {
        return;
    }
    // SAFETY: the prototype is void (*)(void); the caller keeps the obligation about destructors.
    unsafe {
        if let Some(real) = typed::<unsafe extern "C-unwind" fn()>(&NEXT) {
            real();
        }
    }
}
