//! sigaction, masks, and signals sent to threads.

use super::green;
use crate::atomic::Ordering;
use crate::errno::{Errno, Exit};
use crate::signal::{self, action};
use crate::start::active;
use crate::sys::{self, sig};
use crate::syscall;
use crate::thread::cancel;
use crate::thread::{self, ENDED, FREE, Thread};
use core::ffi::c_int;
use libc::{pid_t, pthread_t, sigaction as SigAction, sighandler_t, sigset_t};

/// sigaction(2).
///
/// # Safety
/// As the C function.
pub unsafe fn sigaction(signo: c_int, new: *const SigAction, old: *mut SigAction) -> Result<c_int, Exit> {
    if !active() {
        return Err(Exit::Native);
    }
    // SAFETY: the caller's pointers.
    match unsafe { action::set(signo, new, old) } {
        0 => Ok(0),
        // SAFETY: the calling thread's errno, which libc has just set.
        _ => Err(Errno(unsafe { *libc::__errno_location() }).into()),
    }
}

/// Installs a handler with the given flags; the old one.
///
/// # Safety
/// `handler` is a disposition or a handler.
unsafe fn install(
    signo: c_int, handler: sighandler_t, flags: c_int, blocks_itself: bool,
) -> Result<sighandler_t, Exit> {
    // SAFETY: all-zero structures are valid; the set's first word holds signals 1 to 64.
    unsafe {
        let mut new: SigAction = core::mem::zeroed();
        let mut old: SigAction = core::mem::zeroed();
        new.sa_sigaction = handler;
        new.sa_flags = flags;
        if blocks_itself && (1..=64).contains(&signo) {
            *(&raw mut new.sa_mask).cast::<sig::Mask>() = sig::bit(signo);
        }
        sigaction(signo, &new, &mut old)?;
        Ok(old.sa_sigaction)
    }
}

/// signal(2), BSD's: the handler stays, calls restart.
///
/// # Safety
/// As the C function.
pub unsafe fn signal(signo: c_int, handler: sighandler_t) -> Result<sighandler_t, Exit> {
    if handler == libc::SIG_ERR {
        return Err(Errno::INVAL.into());
    }
    // SAFETY: the caller's handler.
    unsafe { install(signo, handler, libc::SA_RESTART, true) }
}

/// sysv_signal(3): one shot, not blocked while it runs, calls fail.
///
/// # Safety
/// As the C function.
pub unsafe fn sysv_signal(signo: c_int, handler: sighandler_t) -> Result<sighandler_t, Exit> {
    if handler == libc::SIG_ERR {
        return Err(Errno::INVAL.into());
    }
    // SAFETY: the caller's handler.
    unsafe { install(signo, handler, libc::SA_RESETHAND | libc::SA_NODEFER, false) }
}

/// bsd_signal(3) is signal(2), as is ssignal(3).
///
/// # Safety
/// As the C function.
pub unsafe fn bsd_signal(signo: c_int, handler: sighandler_t) -> Result<sighandler_t, Exit> {
    // SAFETY: the caller's handler.
    unsafe { signal(signo, handler) }
}

/// siginterrupt(3).
///
/// # Safety
/// As the C function.
pub unsafe fn siginterrupt(signo: c_int, interrupt: c_int) -> Result<c_int, Exit> {
    // SAFETY: live structures.
    unsafe {
        let mut now: SigAction = core::mem::zeroed();
        sigaction(signo, core::ptr::null(), &mut now)?;
        if interrupt != 0 {
            now.sa_flags &= !libc::SA_RESTART;
        } else {
            now.sa_flags |= libc::SA_RESTART;
        }
        sigaction(signo, &now, core::ptr::null_mut())
    }
}

/// glibc's own two signals, and the two that nobody can block.
const NEVER_BLOCKED: sig::Mask = sig::bit(32) | sig::bit(33) | sig::bit(libc::SIGKILL) | sig::bit(libc::SIGSTOP);

/// pthread_sigmask(3).
///
/// # Safety
/// As the C function.
pub unsafe fn pthread_sigmask(how: c_int, new: *const sigset_t, old: *mut sigset_t) -> Result<(), Exit> {
    let Some(t) = green() else { return Err(Exit::Native) };
    t.sync_mask();
    let before = t.mask.get();
    // SAFETY: the caller's sets, whose first word holds signals 1 to 64.
    let asked = unsafe { new.cast::<sig::Mask>().as_ref().copied() };
    if let Some(set) = asked.map(|s| s & !NEVER_BLOCKED) {
        let mask = match how {
            libc::SIG_BLOCK => before | set,
            libc::SIG_UNBLOCK => before & !set,
            libc::SIG_SETMASK => set,
            _ => return Err(Errno::INVAL.into()),
        };
        signal::set_thread_mask(t, mask);
    }
    if !old.is_null() {
        // SAFETY: as above; the kernel writes eight bytes, and so do we.
        unsafe { *old.cast::<sig::Mask>() = before };
    }
    Ok(())
}

/// sigprocmask(2).
///
/// # Safety
/// As the C function.
pub unsafe fn sigprocmask(how: c_int, new: *const sigset_t, old: *mut sigset_t) -> Result<c_int, Exit> {
    // SAFETY: the caller's sets.
    unsafe { pthread_sigmask(how, new, old) }.map(|()| 0)
}

/// pthread_kill(3).
///
/// # Safety
/// As the C function.
pub unsafe fn pthread_kill(handle: pthread_t, signo: c_int) -> Result<(), Exit> {
    // SAFETY: the caller's handle.
    let Some(t) = (unsafe { thread::of_handle(handle) }) else { return Err(Exit::Native) };
    send(t, signo)
}

/// Sends a signal to a green thread.
fn send(t: &Thread, signo: c_int) -> Result<(), Exit> {
    if !(0..=64).contains(&signo) || signo == 32 || signo == 33 {
        return Err(Errno::INVAL.into());
    }
    match t.life.load(Ordering::Acquire) {
        FREE => return Err(Errno(libc::ESRCH).into()),
        // Ended but not joined: glibc says success and sends nothing.
        ENDED => return Ok(()),
        _ if signo == 0 => return Ok(()),
        _ => {}
    }
    let own = green().is_some_and(|g| core::ptr::eq(g, t));
    if own && t.mask.get() & sig::bit(signo) == 0 {
        // The kernel interrupts this very context, or does what the default action says.
        return Ok(sig::tgkill(sys::gettid(), signo)?);
    }
    if let Some(tid) = signal::awaiting_worker(t, signo) {
        // It blocks the signal and waits for it in the kernel: there it must become pending.
        return Ok(sig::tgkill(tid, signo)?);
    }
    if action::handler_of(signo).is_none() && t.mask.get() & sig::bit(signo) == 0 {
        // A default or ignored action concerns the process: let the kernel apply it.
        return Ok(sig::tgkill(sys::getpid() as u32, signo)?);
    }
    action::note_sender(signo);
    signal::post(t, signo);
    Ok(())
}

/// pthread_sigqueue(3). The value reaches the handler through the last siginfo of that signal.
///
/// # Safety
/// As the C function.
pub unsafe fn pthread_sigqueue(handle: pthread_t, signo: c_int, value: libc::sigval) -> Result<(), Exit> {
    // SAFETY: the caller's handle.
    let Some(t) = (unsafe { thread::of_handle(handle) }) else { return Err(Exit::Native) };
    if action::handler_of(signo).is_none() || t.is_bound() {
        return Err(Exit::Native);
    }
    action::note_queued(signo, value);
    signal::post(t, signo);
    if green().is_some_and(|g| core::ptr::eq(g, t)) {
        signal::kicked();
    }
    Ok(())
}

/// sigpending(2): the kernel's, and what waits in the thread's own inbox.
///
/// # Safety
/// As the C function.
pub unsafe fn sigpending(set: *mut sigset_t) -> Result<c_int, Exit> {
    let Some(t) = green() else { return Err(Exit::Native) };
    let mut pending: sig::Mask = 0;
    // SAFETY: the kernel writes eight bytes; the caller's set starts with the word of signals 1 to 64.
    unsafe {
        syscall!(libc::SYS_rt_sigpending, &raw mut pending, 8usize)?;
        set.write_bytes(0, 1);
        *set.cast::<sig::Mask>() = pending | t.signals.pending();
    }
    Ok(0)
}

/// sigsuspend(2): the kernel's, on this worker, with the other mask noted so that whoever sends to the thread
/// interrupts it.
///
/// # Safety
/// As the C function.
pub unsafe fn sigsuspend(set: *const sigset_t) -> Result<c_int, Exit> {
    let Some(t) = green() else { return Err(Exit::Native) };
    if cancel::is_pending() {
        return Err(Exit::Cancelled);
    }
    // SAFETY: the caller's set, whose first word holds signals 1 to 64.
    let mask = unsafe { *set.cast::<sig::Mask>() } & !NEVER_BLOCKED;
    let before = t.mask.replace(mask);
    if signal::is_due(t) {
        sig::set_mask(mask);
        signal::kicked();
    } else {
        let scope = super::offload::enter();
        // SAFETY: eight bytes of a live word.
        let _ = unsafe { syscall!(libc::SYS_rt_sigsuspend, &raw const mask, 8usize) };
        super::offload::leave(scope);
    }
    signal::set_thread_mask(t, before);
    Err(Errno::INTR.into())
}

/// sigwait(3), sigwaitinfo(2) and sigtimedwait(2) begin: the kernel's, on this worker. What waits in the thread's own
/// inbox is made pending there first, and senders know that it takes these although it blocks them.
///
/// # Safety
/// `set` is a signal set.
pub unsafe fn enter_wait(set: *const sigset_t) -> super::offload::Scope {
    if let Some(t) = green() {
        // SAFETY: the caller's set, whose first word holds signals 1 to 64.
        let mut due = t.signals.take(unsafe { *set.cast::<sig::Mask>() });
        // SAFETY: as above.
        t.signals.await_these(unsafe { *set.cast::<sig::Mask>() });
        while due != 0 {
            let _ = sig::tgkill(sys::gettid(), due.trailing_zeros() as c_int + 1);
            due &= due - 1;
        }
    }
    super::offload::enter()
}

/// It is over.
pub fn leave_wait(scope: super::offload::Scope) {
    super::offload::leave(scope);
    if let Some(t) = green() {
        t.signals.await_these(0);
    }
}

/// tgkill(2) on a green thread's tid; others are the kernel's.
///
/// # Safety
/// As the C function.
pub unsafe fn tgkill(pid: pid_t, tid: pid_t, signo: c_int) -> Result<c_int, Exit> {
    if pid != sys::getpid() {
        return Err(Exit::Native);
    }
    match thread::of_tid(tid as u32) {
        Some(t) => send(t, signo).map(|()| 0),
        None => Err(Exit::Native),
    }
}

/// raise(3): to the calling thread.
///
/// # Safety
/// As the C function.
pub unsafe fn raise(signo: c_int) -> Result<c_int, Exit> {
    match green() {
        Some(t) => send(t, signo).map(|()| 0),
        None => Err(Exit::Native),
    }
}
