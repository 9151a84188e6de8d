//! setuid(2) and its kin: glibc marks the descriptor of every thread of its list but the caller's, signals the kernel
//! thread whose tid it holds, and waits until each has made the call and cleared its mark, on the descriptor that it finds
//! through the thread pointer. Under us that is a green thread's, or the loop's: so the handler runs on the descriptor
//! that glibc asked. Green threads have tids that no kernel thread has: glibc's signal finds nobody, and it passes them over.
//!
//! The first kernel thread has two descriptors with its tid: main's, which glibc passes over when main calls, on
//! whatever worker it may run, and that of the worker's loop (see `start::activate`).

use crate::arch::{self, tls};
use crate::atomic::{AtomicUsize, Ordering, fence};
use crate::sched::Worker;
use crate::sys;
use crate::sys::sig::{self, KernelAction};
use crate::syscall;
use crate::thread::{self, Thread, exit, tcb};
use core::ffi::{c_int, c_void};

type Handler = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

static NATIVE: AtomicUsize = AtomicUsize::new(0);

/// Puts our handler before glibc's, which the first real pthread_create has installed.
pub fn take_over() {
    let mut action = KernelAction::default();
    // SAFETY: queries and installs live kernel structures; restorer, flags and mask stay glibc's.
    unsafe {
        let got = syscall!(libc::SYS_rt_sigaction, sig::SETXID, 0usize, &raw mut action, 8usize);
        if got.is_ok() && action.handler > 1 && action.handler != on_signal as *const () as usize {
            NATIVE.store(action.handler, Ordering::Relaxed);
            action.handler = on_signal as *const () as usize;
            let _ = syscall!(libc::SYS_rt_sigaction, sig::SETXID, &raw const action, 0usize, 8usize);
        }
    }
}

/// The descriptor that glibc asked this kernel thread through; one a signal.
fn asked(tp: usize) -> usize {
    let t = tls::current();
    // SAFETY: records and workers are never freed.
    let w: Option<&Worker> =
        unsafe { if t.is_null() { arch::tls_worker().as_ref() } else { (*t).worker.get().as_ref() } };
    let Some(w) = w else { return tp };
    let initial =
        if w.is_first() { thread::main_thread().map_or_else(exit::initial_thread_pointer, Thread::tp) } else { tp };
    // A bound thread's descriptor, which is loaded, has this kernel thread's tid too.
    [w.loop_pointer(), initial].into_iter().find(|&own| tcb::is_asked_to_set_ids(own)).unwrap_or(tp)
}

/// The calling kernel thread, whose signals are blocked, is about to end without glibc's knowledge. Its descriptor shows
/// another tid already: what has been asked of it before is still done, or glibc would wait for it for ever.
pub fn settle(tp: usize) {
    fence(Ordering::SeqCst);
    if !tcb::is_asked_to_set_ids(tp) {
        return;
    }
    let mask = sig::set_mask(sig::ALL & !sig::bit(sig::SETXID));
    while tcb::is_asked_to_set_ids(tp) {
        sys::sched_yield();
    }
    sig::set_mask(mask);
}

unsafe extern "C" fn on_signal(signo: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let native = NATIVE.load(Ordering::Relaxed);
    let tp = arch::thread_pointer();
    let own = asked(tp);
    // SAFETY: glibc's handler with the kernel's arguments. It touches the descriptor and makes one system call; the
    // thread pointer is put back before anything else of ours runs.
    unsafe {
        let native: Handler = core::mem::transmute(native);
        arch::set_thread_pointer(own);
        native(signo, info, context);
        arch::set_thread_pointer(tp);
    }
}
