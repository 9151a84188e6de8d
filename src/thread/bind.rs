//! Bind: a thread that asks for something only a kernel thread has gets one of its own, for good.
//!
//! It keeps the worker's kernel thread that it runs on; its descriptor shows that thread's true tid from then
//! on and its robust list is the kernel's. It parks through the same lot, on a futex.

use super::tcb;
use crate::arch::{self, tls};
use crate::report;
use crate::sched;
use crate::sys;
use crate::syscall;

/// Gives the calling thread a tid that no thread of another process has: binds it, unless it is main, whose tid is the
/// process id.
pub fn to_unique_tid() {
    if !super::is_main(tls::current()) {
        to_kernel_thread();
    }
}

/// Binds the calling green thread, once. Foreign threads are bound already.
pub fn to_kernel_thread() {
    let t = tls::current();
    // SAFETY: the current record is alive.
    if t.is_null() || unsafe { (*t).is_bound() } {
        return;
    }
    sched::bind();
    report::count(report::Event::Bind);
    let tp = arch::thread_pointer();
    // SAFETY: as above.
    unsafe { (*t).set_tid(sys::gettid()) };
    if let Some(head) = tcb::robust_head(tp) {
        // SAFETY: the head lies in this thread's live descriptor, where glibc keeps it.
        let _ = unsafe { syscall!(libc::SYS_set_robust_list, head, 24usize) };
    }
}
