//! setuid(2) and its kin: glibc has every kernel thread of its list make the call, with a signal whose handler marks
//! its own descriptor as done, which it finds through the thread pointer. On a worker that is a green thread's, or
//! the loop's: so the handler runs on the descriptor that libc started this kernel thread on.

use crate::arch::{self, tls};
use crate::atomic::{AtomicUsize, Ordering};
use crate::sched::Worker;
use crate::sys::sig::{self, KernelAction};
use crate::syscall;
use crate::thread::{exit, tcb};
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

/// The descriptor that libc knows this kernel thread by.
fn kernel_threads_own(tp: usize) -> usize {
    let t = tls::current();
    // SAFETY: records and workers are never freed.
    let w: Option<&Worker> =
        unsafe { if t.is_null() { arch::tls_worker().as_ref() } else { (*t).worker.get().as_ref() } };
    let Some(w) = w else { return tp };
    let own = w.started_on().unwrap_or_else(exit::initial_thread_pointer);
    // A bound thread's descriptor is listed under this kernel thread too, and asked separately.
    if tcb::is_asked_to_set_ids(own) { own } else { tp }
}

unsafe extern "C" fn on_signal(signo: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let native = NATIVE.load(Ordering::Relaxed);
    let tp = arch::thread_pointer();
    let own = kernel_threads_own(tp);
    // SAFETY: glibc's handler with the kernel's arguments. It touches the descriptor and makes one system call; the
    // thread pointer is put back before anything else of ours runs.
    unsafe {
        let native: Handler = core::mem::transmute(native);
        arch::set_thread_pointer(own);
        native(signo, info, context);
        arch::set_thread_pointer(tp);
    }
}
