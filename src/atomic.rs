//! The one switch between real and modelled atomics: `--cfg loom` replaces them in every module that
//! takes its atomics from [`modelled`], so that the models in `tests/model` exercise the code that ships.
//!
//! Such a module has no system call and no static in it: under the model the crate consists of those alone
//! (see `lib.rs`), and loom's atomics cannot be made in a constant.

pub use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

/// Atomics of the parts that are modelled: real ones, or loom's.
pub mod modelled {
    #[cfg(not(loom))]
    pub use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
    #[cfg(loom)]
    pub use loom::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};

    /// A full fence right after a read-modify-write. On x86-64 that instruction is locked and is the fence
    /// itself; only the compiler must be told.
    #[inline]
    pub fn fence_after_rmw() {
        #[cfg(all(target_arch = "x86_64", not(loom)))]
        core::sync::atomic::compiler_fence(Ordering::SeqCst);
        #[cfg(not(all(target_arch = "x86_64", not(loom))))]
        fence(Ordering::SeqCst);
    }

    /// A constructor that is const, except under the model.
    macro_rules! modelled_new {
        ($(#[$doc:meta])* $vis:vis fn $name:ident() -> $type:ty { $($body:tt)* }) => {
            $(#[$doc])*
            #[cfg(not(loom))]
            $vis const fn $name() -> $type { $($body)* }

            $(#[$doc])*
            #[cfg(loom)]
            $vis fn $name() -> $type { $($body)* }
        };
    }
    pub(crate) use modelled_new;
}
