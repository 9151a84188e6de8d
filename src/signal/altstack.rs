//! sigaltstack(2): each thread has its own, in user space.
//!
//! The kernel knows one alternate stack for a kernel thread. A worker's is the engine's, on which a stack overflow can be
//! told; it must not hold a handler of the program's, which may park while the worker runs another thread. So handlers are
//! installed without SA_ONSTACK (faults excepted), and the wrapper changes to the thread's alternate stack itself.

use crate::arch;
use crate::errno::Errno;
use crate::sys::{alloc, vm};
use crate::syscall;
use crate::thread::{self, Thread};
use core::ffi::c_int;
use core::ptr::null_mut;

/// Not in the libc crate: the stack is disabled while a handler runs on it.
const SS_AUTODISARM: c_int = 1 << 31;
const LEAST: usize = 2048;

/// A thread's alternate stack; size 0 for none.
#[derive(Clone, Copy, Debug)]
pub struct AltStack {
    at: usize,
    size: usize,
    disarms: bool,
}

impl AltStack {
    pub const NONE: AltStack = AltStack { at: 0, size: 0, disarms: false };

    /// Whether a stack pointer lies on it.
    pub fn has(&self, sp: usize) -> bool {
        sp > self.at && sp - self.at <= self.size
    }

    fn of(ss: &libc::stack_t) -> AltStack {
        if ss.ss_flags & libc::SS_DISABLE != 0 {
            return AltStack::NONE;
        }
        AltStack { at: ss.ss_sp as usize, size: ss.ss_size, disarms: ss.ss_flags & SS_AUTODISARM != 0 }
    }

    /// As sigaltstack shows it to a caller whose stack pointer is `sp`.
    fn shown(&self, sp: usize) -> libc::stack_t {
        let state = match self.size {
            0 => libc::SS_DISABLE,
            _ if self.has(sp) => libc::SS_ONSTACK,
            _ => 0,
        };
        let flags = state | if self.disarms { SS_AUTODISARM } else { 0 };
        libc::stack_t { ss_sp: self.at as *mut _, ss_flags: flags, ss_size: self.size }
    }
}

/// The kernel's, for the calling kernel thread.
pub fn of_kernel_thread() -> AltStack {
    let mut ss = libc::stack_t { ss_sp: null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
    // SAFETY: queries into a live structure.
    let _ = unsafe { syscall!(libc::SYS_sigaltstack, 0usize, &raw mut ss) };
    AltStack::of(&ss)
}

/// Makes `alt` the kernel's, for the calling kernel thread.
pub fn set_of_kernel_thread(alt: AltStack) {
    let ss = alt.shown(0);
    // SAFETY: a live structure, whose stack is the caller's to give.
    let _ = unsafe { syscall!(libc::SYS_sigaltstack, &raw const ss, 0usize) };
}

/// sigaltstack(2) of a thread of ours, with the stack pointer `sp`.
pub fn set(t: &Thread, sp: usize, new: Option<libc::stack_t>) -> Result<libc::stack_t, Errno> {
    let now = t.signals.alt.get();
    if let Some(new) = new {
        if now.has(sp) && !now.disarms {
            return Err(Errno(libc::EPERM));
        }
        match new.ss_flags & !SS_AUTODISARM {
            libc::SS_DISABLE => {}
            0 | libc::SS_ONSTACK if new.ss_size < LEAST => return Err(Errno(libc::ENOMEM)),
            0 | libc::SS_ONSTACK => {}
            _ => return Err(Errno::INVAL),
        }
        t.signals.alt.set(AltStack::of(&new));
    }
    Ok(now.shown(sp))
}

/// Runs `call` with the end of the alternate stack that the calling thread's handler belongs on; `None`: where it is.
pub fn with_end<R>(call: impl FnOnce(Option<usize>) -> R) -> R {
    let t = thread::current();
    let alt = t.map_or_else(of_kernel_thread, |t| t.signals.alt.get());
    if alt.size == 0 || alt.has(arch::stack_pointer()) {
        return call(None);
    }
    if let Some(t) = t.filter(|_| alt.disarms) {
        t.signals.alt.set(AltStack::NONE);
    }
    let r = call(Some((alt.at + alt.size) & !15));
    if let Some(t) = t.filter(|_| alt.disarms) {
        t.signals.alt.set(alt);
    }
    r
}

const OF_WORKER: usize = 64 * 1024;

/// Gives a worker's kernel thread the engine's, on which a stack overflow can be told.
pub fn worker_started() {
    let at = alloc::map(OF_WORKER);
    if !at.is_null() {
        set_of_kernel_thread(AltStack { at: at as usize, size: OF_WORKER, disarms: false });
    }
}

/// Takes it back from a kernel thread that ends.
pub fn worker_ended() {
    let alt = of_kernel_thread();
    if alt.size == OF_WORKER {
        set_of_kernel_thread(AltStack::NONE);
        // SAFETY: mapped by `worker_started`, which alone tells the kernel of a stack here; nobody runs on it.
        unsafe { vm::unmap(alt.at, alt.size) };
    }
}

/// The same for the first worker; the kernel's was main's.
pub fn first_worker_started(main: &Thread) {
    main.signals.alt.set(of_kernel_thread());
    worker_started();
}
