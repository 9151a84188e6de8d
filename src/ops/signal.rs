//! sigaction, masks, alternate stacks, signals sent to threads, and threads that wait for signals.

use super::ready;
use crate::arch::{self, tls};
use crate::atomic::{AtomicU64, Ordering};
use crate::errno::{Errno, Exit};
use crate::real;
use crate::report::Call;
use crate::sched;
use crate::signal::{self, Interruption, action, altstack};
use crate::start::{active, started};
use crate::sys::time::Timespec;
use crate::sys::{self, mem, sig, task, time};
use crate::syscall;
use crate::thread::beside::Shares;
use crate::thread::wait::{self, Wait};
use crate::thread::{self, ENDED, FREE, Thread};
use crate::thread::{cancel, throw};
use core::ffi::c_int;
use libc::{pid_t, pthread_t, sigaction as SigAction, sighandler_t, siginfo_t, sigset_t, stack_t, timespec};

/// sigaction(2).
///
/// # Safety
/// As the C function.
pub unsafe fn sigaction(signo: c_int, new: *const SigAction, old: *mut SigAction) -> Result<c_int, Exit> {
    // A process in our memory has dispositions of its own, or ours.
    let has_own = tls::is_held() && !tls::shares(Shares::HANDLERS.bits());
    if !(has_own || active() || tls::is_held() && started()) {
        return Err(Exit::Native);
    }
    let set = if has_own { action::set_in_vfork_child } else { action::set };
    // SAFETY: the caller's pointers.
    match unsafe { set(signo, new, old) } {
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
        if let Some(bit) = sig::bit_of(signo).filter(|_| blocks_itself) {
            *(&raw mut new.sa_mask).cast::<sig::Mask>() = bit;
        }
        sigaction(signo, &new, &mut old)?;
        Ok(old.sa_sigaction)
    }
}

/// The signals of which siginterrupt(3) has said that they interrupt: signal(2) is to know.
static INTERRUPTING: AtomicU64 = AtomicU64::new(0);

/// signal(2), BSD's: the handler stays, calls restart.
///
/// # Safety
/// As the C function.
pub unsafe fn signal(signo: c_int, handler: sighandler_t) -> Result<sighandler_t, Exit> {
    if handler == libc::SIG_ERR {
        return Err(Errno::INVAL.into());
    }
    let interrupts = sig::bit_of(signo).is_some_and(|bit| INTERRUPTING.load(Ordering::Relaxed) & bit != 0);
    // SAFETY: the caller's handler.
    unsafe { install(signo, handler, if interrupts { 0 } else { libc::SA_RESTART }, true) }
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
        let bit = sig::bit_of(signo).unwrap_or(0);
        if interrupt != 0 {
            INTERRUPTING.fetch_or(bit, Ordering::Relaxed);
            now.sa_flags &= !libc::SA_RESTART;
        } else {
            INTERRUPTING.fetch_and(!bit, Ordering::Relaxed);
            now.sa_flags |= libc::SA_RESTART;
        }
        sigaction(signo, &now, core::ptr::null_mut())
    }
}

/// The signals of a set.
///
/// # Safety
/// `set` is a signal set, whose first word holds signals 1 to 64.
unsafe fn mask_of(set: *const sigset_t) -> sig::Mask {
    // SAFETY: the caller's set.
    unsafe { sig::of_set(set) & !sig::NEVER_BLOCKED }
}

/// The same where the kernel is who reads it.
fn read_mask(set: *const sigset_t) -> Result<sig::Mask, Errno> {
    Ok(mem::read(set.cast::<sig::Mask>())? & !sig::NEVER_BLOCKED)
}

/// Changes the calling thread's mask; what it was.
pub(super) fn change_mask(how: c_int, set: sig::Mask) -> Result<sig::Mask, Exit> {
    let Some(t) = thread::current() else { return Err(Exit::Native) };
    t.sync_mask();
    let before = t.mask.get();
    let set = set & !sig::NEVER_BLOCKED;
    let mask = match how {
        libc::SIG_BLOCK => before | set,
        libc::SIG_UNBLOCK => before & !set,
        libc::SIG_SETMASK => set,
        _ => return Err(Errno::INVAL.into()),
    };
    // To block nothing more is to ask.
    if mask != before || how != libc::SIG_BLOCK {
        signal::set_thread_mask(t, mask);
    }
    Ok(before)
}

/// pthread_sigmask(3).
///
/// # Safety
/// As the C function.
pub unsafe fn pthread_sigmask(how: c_int, new: *const sigset_t, old: *mut sigset_t) -> Result<(), Exit> {
    // Without a set `how` does not matter.
    // SAFETY: the caller's set.
    let (how, set) = if new.is_null() { (libc::SIG_BLOCK, 0) } else { (how, unsafe { mask_of(new) }) };
    let before = change_mask(how, set)?;
    if !old.is_null() {
        // SAFETY: as above; the kernel writes eight bytes, and so do we.
        unsafe { mem::write(old.cast::<sig::Mask>(), before) }?;
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

/// Whether there is somebody to send to.
fn is_reachable(t: &Thread, signo: c_int) -> Result<bool, Errno> {
    if !(0..=64).contains(&signo) || signo == 32 || signo == 33 {
        return Err(Errno::INVAL);
    }
    match t.life.load(Ordering::Acquire) {
        FREE => Err(Errno(libc::ESRCH)),
        // Ended but not joined: glibc says success and sends nothing.
        ENDED => Ok(false),
        _ => Ok(signo != 0),
    }
}

/// Sends a signal to a green thread.
fn send(t: &Thread, signo: c_int) -> Result<(), Exit> {
    if !is_reachable(t, signo)? {
        return Ok(());
    }
    let own = thread::current().is_some_and(|g| core::ptr::eq(g, t));
    if own && t.mask.get() & sig::bit(signo) == 0 {
        // The kernel interrupts this very context, or does what the default action says.
        return Ok(sig::tgkill(sys::gettid(), signo)?);
    }
    deliver(t, &action::sent_by_self(signo, libc::SI_TKILL, None));
    Ok(())
}

/// Hands a signal to a green thread that does not accept it, or is another.
fn deliver(t: &Thread, info: &libc::siginfo_t) {
    let signo = info.si_signo;
    let accepts = t.mask.get() & sig::bit(signo) == 0 && !t.signals.awaits(signo);
    if accepts && action::handler_of(signo).is_none() {
        // A default or ignored action concerns the process: the kernel applies it.
        action::redeliver(signo);
    } else if !accepts && t.is_bound() && signal::route::is_watched(signo) {
        // It may read of it in the kernel, where it waits for a signalfd as well.
        sig::send(t.tid(), info);
    } else {
        signal::post(t, info, false);
    }
}

/// pthread_sigqueue(3).
///
/// # Safety
/// As the C function.
pub unsafe fn pthread_sigqueue(handle: pthread_t, signo: c_int, value: libc::sigval) -> Result<(), Exit> {
    // SAFETY: the caller's handle.
    let Some(t) = (unsafe { thread::of_handle(handle) }) else { return Err(Exit::Native) };
    if !is_reachable(t, signo)? {
        return Ok(());
    }
    deliver(t, &action::sent_by_self(signo, libc::SI_QUEUE, Some(value)));
    if thread::current().is_some_and(|g| core::ptr::eq(g, t)) {
        signal::kicked();
    }
    Ok(())
}

/// What the kernel has pending for the calling thread: for the process, and for its kernel thread, if it has one. The process's
/// first is main's, wherever main runs.
fn pending_in_kernel(t: &Thread) -> sig::Mask {
    let all = sig::pending();
    // SAFETY: workers are never freed.
    let is_at_home = !thread::is_main(t) || unsafe { (*t.worker.get()).is_first() };
    if all == 0 && is_at_home {
        return 0;
    }
    if t.is_bound() || thread::is_main(t) && is_at_home {
        tls::enter();
        signal::route::take_over(t);
        tls::leave();
        return sig::pending();
    }
    let (private, shared) = sched::scout::send(|| task::pending(sys::getpid() as u32));
    shared | if thread::is_main(t) { private } else { 0 }
}

/// sigpending(2): the kernel's, and what waits in the thread's own inbox.
///
/// # Safety
/// As the C function.
pub unsafe fn sigpending(set: *mut sigset_t) -> Result<c_int, Exit> {
    let Some(t) = thread::current() else { return Err(Exit::Native) };
    let pending = pending_in_kernel(t) | t.signals.inbox.pending() | signal::route::unclaimed();
    // SAFETY: the caller's set, of which the kernel writes the first word, for signals 1 to 64.
    unsafe { mem::write(set.cast::<sig::Mask>(), pending & t.mask.get()) }?;
    Ok(0)
}

/// sigsuspend(2).
///
/// # Safety
/// As the C function.
pub unsafe fn sigsuspend(set: *const sigset_t) -> Result<c_int, Exit> {
    wait_for_handler(Some(read_mask(set)?))
}

/// sigpause(3) of BSD: the mask of the first signals.
///
/// # Safety
/// As the C function.
pub unsafe fn sigpause(mask: c_int) -> Result<c_int, Exit> {
    wait_for_handler(Some(mask as u32 as sig::Mask & !sig::NEVER_BLOCKED))
}

/// sigpause(3) of X/Open: the mask without one signal.
///
/// # Safety
/// As the C function.
pub unsafe fn xpg_sigpause(signo: c_int) -> Result<c_int, Exit> {
    let Some(t) = thread::current() else { return Err(Exit::Native) };
    let bit = sig::bit_of(signo).ok_or(Errno::INVAL)?;
    t.sync_mask();
    wait_for_handler(Some(t.mask.get() & !bit))
}

/// pause(2).
///
/// # Safety
/// As the C function.
pub unsafe fn pause() -> Result<c_int, Exit> {
    wait_for_handler(None)
}

/// Parks, with another mask if one is given, until a handler has run.
fn wait_for_handler(mask: Option<sig::Mask>) -> Result<c_int, Exit> {
    let Some(t) = thread::current() else { return Err(Exit::Native) };
    let how = Wait::forever(Call::Signal).cancellable().failing();
    t.sync_mask();
    signal::forget_interruption();
    let mut waited = false;
    loop {
        if cancel::is_pending() {
            if let Some(mask) = mask.filter(|_| waited) {
                // What the cleanup handlers find (Linux: the call's mask is not put back).
                signal::set_thread_mask(t, mask);
            }
            return Err(Exit::Cancelled);
        }
        waited = true;
        match mask {
            Some(mask) => drop(signal::with_mask(t, mask, || wait::sleep(&how))),
            None => drop(wait::sleep(&how)),
        }
        if let Some(thrown) = throw::take() {
            return Err(thrown.into());
        }
        if signal::take_interruption() != Interruption::None {
            return Err(Errno::INTR.into());
        }
    }
}

/// sigwait(3).
///
/// # Safety
/// As the C function.
pub unsafe fn sigwait(set: *const sigset_t, signo: *mut c_int) -> Result<(), Exit> {
    let set = read_mask(set)?;
    loop {
        match await_signal(set, None) {
            // It does not say EINTR (POSIX).
            Err(Exit::Errno(libc::EINTR)) => {}
            Ok(info) => {
                // SAFETY: the caller's place for the number.
                unsafe { *signo = info.si_signo };
                return Ok(());
            }
            Err(exit) => return Err(exit),
        }
    }
}

/// sigwaitinfo(2).
///
/// # Safety
/// As the C function.
pub unsafe fn sigwaitinfo(set: *const sigset_t, info: *mut siginfo_t) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe { sigtimedwait(set, info, core::ptr::null()) }
}

/// sigtimedwait(2).
///
/// # Safety
/// As the C function.
pub unsafe fn sigtimedwait(set: *const sigset_t, info: *mut siginfo_t, span: *const timespec) -> Result<c_int, Exit> {
    // SAFETY: the caller's arguments.
    unsafe {
        let span = if span.is_null() { None } else { Some(mem::read::<Timespec>(span.cast())?) };
        if span.as_ref().is_some_and(|s| !s.is_valid()) {
            return Err(Errno::INVAL.into());
        }
        let deadline = span.map(|s| time::after(s.nanos()));
        let taken = await_signal(read_mask(set)?, deadline)?;
        if let Some(info) = info.as_mut() {
            *info = taken;
            if info.si_code == libc::SI_TKILL {
                // As glibc shows it.
                info.si_code = libc::SI_USER;
            }
        }
        Ok(taken.si_signo)
    }
}

/// Parks until one of `set` comes for the calling thread or the process, and takes it. EAGAIN at the deadline.
///
/// What the kernel keeps for the process is seen by others and told; what it keeps for one kernel thread is heard by a bound
/// thread itself (`thread::listen`).
fn await_signal(set: sig::Mask, deadline: Option<u64>) -> Result<siginfo_t, Exit> {
    let Some(t) = thread::current() else { return Err(Exit::Native) };
    t.sync_mask();
    signal::forget_interruption();
    loop {
        if cancel::is_pending() {
            return Err(Exit::Cancelled);
        }
        let how = Wait::until(Call::Signal, deadline).cancellable().failing().for_signals(set);
        // Inside the runtime to the end: a signal that is awaited must not run its handler on the way.
        let (taken, why) = wait::with_waiter(|waiter| {
            waiter.parker.arm();
            signal::set_awaited(t, set);
            let taken = signal::route::take_awaited(t, set);
            let (taken, why) = if taken.is_some() {
                (taken, waiter.parker.disarm())
            } else {
                let why = waiter.sleep(&how);
                (signal::route::take_awaited(t, set), Some(why))
            };
            signal::set_awaited(t, 0);
            // One that came when this had been looked for and was still awaited is another's.
            signal::route::blocked(t, set & t.mask.get());
            (taken, why)
        });
        match (taken, why) {
            (Some(info), _) => return Ok(info),
            (None, Some(why)) => ready::verdict(why, true)?,
            (None, None) => {}
        }
    }
}

/// glibc's `struct __jmp_buf_tag`, as far as it says which mask a jump is to put back.
#[repr(C)]
pub struct JumpBuffer {
    registers: [usize; 8],
    has_mask: c_int,
    mask: sigset_t,
}

/// siglongjmp(3) and longjmp(3), before libc jumps and, past every hook, puts the mask back. What that lets in runs here, as it
/// would there; so do the handlers that would have followed one which is left now.
///
/// # Safety
/// As the C function.
pub unsafe fn jump(to: *const JumpBuffer, _value: c_int) -> Result<(), Exit> {
    if let Some(t) = thread::current() {
        t.sync_mask();
        // SAFETY: the caller's buffer, in which libc has written whether there is a mask.
        match unsafe { to.as_ref().filter(|to| to.has_mask != 0).map(|to| mask_of(&to.mask)) } {
            Some(mask) if mask != t.mask.get() => signal::set_thread_mask(t, mask),
            _ => signal::run_what_came(t),
        }
    }
    Err(Exit::Native)
}

/// The same where libc looks first whether the jump leads outwards. A handler on an alternate stack it takes for one that is not:
/// the kernel does not know that stack.
///
/// # Safety
/// As the C function.
pub unsafe fn jump_checked(to: *const JumpBuffer, value: c_int) -> Result<(), Exit> {
    let is_elsewhere = thread::current().is_some_and(|t| t.signals.alt.get().has(arch::stack_pointer()));
    // SAFETY: the caller's arguments. No frame from here to the hook has a destructor.
    unsafe {
        let done = jump(to, value);
        if is_elsewhere {
            real::longjmp(to.cast_mut().cast(), value);
        }
        done
    }
}

/// sigaltstack(2).
///
/// # Safety
/// As the C function.
pub unsafe fn sigaltstack(new: *const stack_t, old: *mut stack_t) -> Result<c_int, Exit> {
    // SAFETY: the caller's structures.
    unsafe {
        let Some(t) = thread::current() else { return Err(Exit::Native) };
        let new = if new.is_null() { None } else { Some(mem::read(new)?) };
        let was = altstack::set(t, arch::stack_pointer(), new)?;
        if !old.is_null() {
            mem::write(old, was)?;
        }
    }
    Ok(0)
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

/// kill(2).
///
/// # Safety
/// As the C function.
pub unsafe fn kill(pid: pid_t, signo: c_int) -> Result<c_int, Exit> {
    let info = || action::sent_by_self(signo, libc::SI_USER, None);
    // SAFETY: integers.
    send_to_process(pid, signo, info, |pid| unsafe { syscall!(libc::SYS_kill, pid, signo) })
}

/// killpg(3).
///
/// # Safety
/// As the C function.
pub unsafe fn killpg(group: pid_t, signo: c_int) -> Result<c_int, Exit> {
    if group < 0 {
        return Err(Errno::INVAL.into());
    }
    // SAFETY: integers.
    unsafe { kill(-group, signo) }
}

/// sigqueue(3).
///
/// # Safety
/// As the C function.
pub unsafe fn sigqueue(pid: pid_t, signo: c_int, value: libc::sigval) -> Result<c_int, Exit> {
    let info = action::sent_by_self(signo, libc::SI_QUEUE, Some(value));
    // SAFETY: a live structure.
    send_to_process(
        pid,
        signo,
        || info,
        |pid| unsafe { syscall!(libc::SYS_rt_sigqueueinfo, pid, signo, &raw const info) },
    )
}

/// Sends a signal to a process, or a group. What the calling process gets has somebody to take it before the call returns, as in
/// the kernel: a thread that is parked, or runnable, cannot go on without having seen it.
fn send_to_process(
    id: pid_t, signo: c_int, info: impl FnOnce() -> siginfo_t, send: impl FnOnce(pid_t) -> Result<usize, Errno>,
) -> Result<c_int, Exit> {
    // Linux takes a thread's id for its process's.
    let id = if id > 0 && thread::of_tid(id as u32).is_some() { sys::getpid() } else { id };
    let Some(bit) = sig::bit_of(signo) else {
        send(id)?;
        return Ok(0);
    };
    if id == sys::getpid() && signal::route::give_at_once(&info()) {
        return Ok(0);
    }
    // What was pending before may be the calling kernel thread's alone: then the monitor sorts it out.
    let was_pending = sig::pending() & bit != 0;
    send(id)?;
    if !was_pending {
        signal::route::collect_from_kernel(bit);
    }
    Ok(0)
}

/// raise(3): to the calling thread.
///
/// # Safety
/// As the C function.
pub unsafe fn raise(signo: c_int) -> Result<c_int, Exit> {
    match thread::current() {
        Some(t) => send(t, signo).map(|()| 0),
        None => Err(Exit::Native),
    }
}
