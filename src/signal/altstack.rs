//! sigaltstack(2): each thread has its own, in user space.
//!
//! The kernel knows one alternate stack for a kernel thread. A worker's is the engine's, on which a stack overflow can be
//! told; it must not hold a handler of the program's, which may park while the worker runs another thread. So handlers are
//! installed without SA_ONSTACK, and the wrapper changes to the thread's alternate stack itself. Those of faults are not: they
//! arrive on the worker's, and leave it (`frame`).
//!
//! A handler finds its thread's alternate stack in its context, and the kernel, when it has returned, that of the worker which the
//! thread is on by then.

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

    pub fn is_none(&self) -> bool {
        self.size == 0
    }

    /// Where a frame on it ends.
    pub fn end(&self) -> usize {
        (self.at + self.size) & !15
    }

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

/// What the kernel put into a handler's context: the alternate stack of the kernel thread.
///
/// # Safety
/// `context` is the handler's ucontext.
pub unsafe fn of_context(context: *const libc::ucontext_t) -> AltStack {
    // SAFETY: the caller's context.
    AltStack::of(unsafe { &(*context).uc_stack })
}

/// The stack pointer that a handler interrupted.
///
/// # Safety
/// `context` is the handler's ucontext.
pub unsafe fn interrupted_at(context: *const libc::ucontext_t) -> usize {
    // SAFETY: the caller's context.
    unsafe { (*context).uc_mcontext.gregs[libc::REG_RSP as usize] as usize }
}

/// A handler of `t` is to find the thread's own alternate stack in its context.
///
/// # Safety
/// `context` is the handler's ucontext.
pub unsafe fn show(t: &Thread, context: *mut libc::ucontext_t) {
    // SAFETY: the caller's context.
    unsafe { (*context).uc_stack = t.signals.alt.get().shown(0) };
}

/// The handler of `t` returns: the thread's alternate stack is again what the context says.
///
/// # Safety
/// `context` is the handler's ucontext, which was given to [`show`].
pub unsafe fn take_back(t: &Thread, context: *const libc::ucontext_t) {
    // SAFETY: the caller's context. What the kernel would refuse it ignores here.
    let _ = unsafe { set(t, interrupted_at(context), Some((*context).uc_stack)) };
}

/// The kernel takes the context back: it is to leave the kernel thread its alternate stack.
///
/// # Safety
/// `context` is the handler's ucontext; the caller is `t`, which does not leave its worker before it has returned.
pub unsafe fn hide(t: &Thread, context: *mut libc::ucontext_t) {
    // SAFETY: the caller's context; workers are never freed.
    unsafe { (*context).uc_stack = (*t.worker.get()).alt.get().shown(0) };
}

/// Runs `call` with the end of the alternate stack that the calling thread's handler belongs on; `None`: where it is. `sp` is
/// the stack pointer that it interrupted.
pub fn with_end<R>(sp: usize, call: impl FnOnce(Option<usize>) -> R) -> R {
    let t = thread::current();
    let alt = t.map_or_else(of_kernel_thread, |t| t.signals.alt.get());
    if alt.is_none() || alt.has(sp) {
        return call(None);
    }
    if let Some(t) = t.filter(|_| alt.disarms) {
        t.signals.alt.set(AltStack::NONE);
    }
    let r = call((!alt.has(arch::stack_pointer())).then_some(alt.end()));
    if let Some(t) = t.filter(|_| alt.disarms) {
        t.signals.alt.set(alt);
    }
    r
}

const OF_WORKER: usize = 64 * 1024;

/// Gives a worker's kernel thread the engine's, on which a stack overflow can be told.
pub fn worker_started() -> AltStack {
    let at = alloc::map(OF_WORKER);
    if at.is_null() {
        return of_kernel_thread();
    }
    let alt = AltStack { at: at as usize, size: OF_WORKER, disarms: false };
    set_of_kernel_thread(alt);
    alt
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
    // SAFETY: workers are never freed, and the calling thread's is its own.
    unsafe { (*main.worker.get()).alt.set(worker_started()) };
}
