//! Everything that is assembly: the thread pointer, the engine's two thread-local words, the entry and
//! hatch trampolines, and the stack switch of adopted threads.
//!
//! Coroutines are switched by corosensei; [`swap`] exists for the one thing it cannot do, which is to
//! suspend a stack that it did not start (the main thread's, or the forking thread's in a child).

mod x86_64;
pub use x86_64::*;

pub mod tls {
    //! The engine's thread-local block: the current thread and the depth inside the runtime.
    //!
    //! It lives in the TCB's static TLS, so it follows the thread pointer: on a green thread it is that
    //! thread's, on a worker's own stack it is the worker's. `depth` says how deep the thread is inside the
    //! runtime; a signal handler that finds it above zero defers (see `signal`).

    use super::x86_64 as arch;

    /// Enters the runtime: signal handlers are deferred until the matching [`leave`].
    #[inline(always)]
    pub fn enter() {
        arch::depth_add(1);
        core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
    }

    /// Leaves the runtime, running what was deferred when this is the outermost level.
    #[inline(always)]
    pub fn leave() {
        core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
        arch::depth_add(-1);
        if arch::deferred() && arch::depth() == 0 {
            crate::signal::run_deferred();
            crate::thread::bind::obey();
            crate::thread::cancel::obey();
        }
    }

    pub use arch::{
        current, depth, held_by_process, held_mask, hold, is_held, release, set_current, set_deferred, set_depth,
        shares,
    };
}
