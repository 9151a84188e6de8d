//! Which thread takes a signal that was sent to the process.
//!
//! As in the kernel it is main's, if main accepts it, and else anybody's who does; who waits for it in sigwait comes before
//! both. What nobody accepts waits: in the kernel where every kernel thread blocks it, in [`PROCESS`] where one had taken it
//! already. A signal that was given to a thread which then blocks it, or ends, is taken back and given to another.
//!
//! Parked threads have no kernel thread to which the kernel could deliver. While somebody runs the monitor looks at what
//! is pending in the kernel, each tick; when all sleep, a signalfd in the event source tells.

use super::{action, alert, inbox::Inbox, is_due, is_kick, kicked, post};
use crate::arch::tls;
use crate::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
use crate::sched;
use crate::sys::{self, sig, task};
use crate::thread::{self, Thread};
use core::ffi::c_int;

/// Signals that a kernel thread of ours has taken and no thread has been given.
static PROCESS: Inbox = Inbox::new();
/// There may be somebody who accepts one of those.
static UNROUTED: AtomicBool = AtomicBool::new(false);
/// Pending in the kernel, and seen to be nobody's.
static NOBODYS: AtomicU64 = AtomicU64::new(0);
/// What any signalfd tells of.
static WATCHED: AtomicU64 = AtomicU64::new(0);
/// Threads in sigwait and its kin.
static AWAITING: AtomicU32 = AtomicU32::new(0);

/// Each signal of a mask.
fn each(mut mask: sig::Mask) -> impl Iterator<Item = c_int> {
    core::iter::from_fn(move || {
        let signo = mask.trailing_zeros() as c_int + 1;
        let bit = mask & mask.wrapping_neg();
        mask &= !bit;
        (bit != 0).then_some(signo)
    })
}

fn accepts(t: &Thread, signo: c_int) -> bool {
    t.can_take_signals() && t.mask.get() & sig::bit(signo) == 0
}

/// Main, if a signal to the process that interrupted `t` is rather main's.
pub fn main_instead(t: Option<&Thread>, signo: c_int) -> Option<&'static Thread> {
    let main = thread::main_thread()?;
    let is_t = t.is_some_and(|t| core::ptr::eq(t, main));
    (crate::active() && !is_t && !main.is_bound() && accepts(main, signo)).then_some(main)
}

/// Who is to take the signal.
fn taker(signo: c_int) -> Option<&'static Thread> {
    if AWAITING.load(Ordering::SeqCst) != 0
        && let Some(t) = thread::find(|t| t.signals.awaits(signo))
    {
        return Some(t);
    }
    if let Some(main) = thread::main_thread().filter(|m| accepts(m, signo)) {
        return Some(main);
    }
    thread::current().filter(|t| accepts(t, signo)).or_else(|| thread::find(|t| accepts(t, signo)))
}

/// Takes note of a signal to the process. Async-signal-safe.
pub fn leave_to_others(info: &libc::siginfo_t) {
    PROCESS.add(info, true);
    UNROUTED.store(true, Ordering::SeqCst);
}

/// Whether a worker has taken a signal in its loop that nobody has yet.
pub fn is_pending() -> bool {
    UNROUTED.load(Ordering::Relaxed)
}

/// Gives what was noted to whoever accepts it. Whether there was anything new.
pub fn pending() -> bool {
    let mut any = false;
    while is_pending() && UNROUTED.swap(false, Ordering::SeqCst) {
        all();
        any = true;
    }
    any
}

/// Whether the process has signals that `t` accepts.
#[inline]
pub fn has_for(t: &Thread) -> bool {
    PROCESS.pending() & !t.mask.get() != 0
}

/// What the process has and nobody has been given.
pub fn unclaimed() -> sig::Mask {
    PROCESS.pending()
}

/// Gives everything that somebody accepts.
pub fn all() {
    tls::enter();
    for signo in each(PROCESS.pending()) {
        while let Some(t) = taker(signo) {
            match PROCESS.take(sig::bit(signo)) {
                Some((info, _)) => give(t, &info),
                None => break,
            }
        }
    }
    tls::leave();
}

fn give(t: &Thread, info: &libc::siginfo_t) {
    let signo = info.si_signo;
    if !t.signals.awaits(signo) {
        if !accepts(t, signo) {
            // It has waited for it, and does no more: its default action is not meant.
            leave_to_others(info);
            return;
        }
        if action::handler_of(signo).is_none() {
            action::redeliver(signo);
            return;
        }
    }
    post(t, info, true);
    // It may have blocked the signal or ended meanwhile, with its look behind it.
    fence(Ordering::SeqCst);
    if !accepts(t, signo) && !t.signals.awaits(signo) {
        take_back(&t.signals.inbox, sig::bit(signo));
        if is_due(t) {
            alert(t, signo);
        }
    }
}

/// Gives a signal that the calling thread sends to the process to a thread that runs its handler, in one step, as the kernel does:
/// between two, that thread could go on, and end. False where the kernel is to see to it.
pub fn give_at_once(info: &libc::siginfo_t) -> bool {
    let signo = info.si_signo;
    if action::handler_of(signo).is_none() {
        return false;
    }
    tls::enter();
    let found = taker(signo).filter(|t| accepts(t, signo) && !t.is_bound() && !t.signals.awaits(signo));
    if let Some(t) = found {
        give(t, info);
        // It may not have wanted it any more.
        pending();
    }
    tls::leave();
    // What it sends to itself it has before the call returns.
    if found.is_some_and(|t| core::ptr::eq(t, tls::current())) {
        kicked();
    }
    found.is_some()
}

/// Takes back what an inbox holds of the process's.
pub fn take_back(inbox: &Inbox, set: sig::Mask) {
    while let Some(info) = inbox.take_shared(set) {
        leave_to_others(&info);
    }
}

/// The calling thread blocks these from now on: what it was given of them is another's.
pub fn blocked(t: &Thread, set: sig::Mask) {
    fence(Ordering::SeqCst);
    if t.signals.inbox.pending() & set != 0 {
        take_back(&t.signals.inbox, set);
        pending();
    }
}

/// The thread has ended.
pub fn ended(t: &Thread) {
    fence(Ordering::SeqCst);
    if t.signals.inbox.pending() != 0 {
        take_back(&t.signals.inbox, sig::ALL);
        pending();
    }
}

/// A thread waits for `now` instead of `before`.
pub fn awaited_changed(before: sig::Mask, now: sig::Mask) {
    match (before != 0, now != 0) {
        (false, true) => drop(AWAITING.fetch_add(1, Ordering::SeqCst)),
        (true, false) => drop(AWAITING.fetch_sub(1, Ordering::SeqCst)),
        _ => {}
    }
    // The next one of these has a taker, whatever was seen before.
    NOBODYS.fetch_and(!now, Ordering::SeqCst);
}

/// `t` may accept what nobody did before.
#[inline]
pub fn accepted(t: &Thread) {
    let mask = t.mask.get();
    if NOBODYS.load(Ordering::Relaxed) & !mask != 0 {
        NOBODYS.fetch_and(mask, Ordering::SeqCst);
    }
}

/// The program ignores the signal from now on: what waits of it is discarded.
pub fn discard(signo: c_int) {
    let bit = sig::bit(signo);
    let forget = |inbox: &Inbox| while inbox.take(bit).is_some() {};
    forget(&PROCESS);
    thread::find(|t| {
        forget(&t.signals.inbox);
        false
    });
}

/// Takes one of `set` that waits for the calling thread, or for the process. Called inside the runtime.
pub fn take_awaited(t: &Thread, set: sig::Mask) -> Option<libc::siginfo_t> {
    let own = || t.signals.inbox.take(set).map(|(info, _)| info);
    // What a kernel thread of ours has taken came before what the kernel still has.
    own().or_else(|| PROCESS.take(set).map(|(info, _)| info)).or_else(|| take_from_kernel(set))
}

/// Takes one that is pending in the kernel, for the process or this kernel thread.
fn take_from_kernel(set: sig::Mask) -> Option<libc::siginfo_t> {
    loop {
        let info = sig::take_pending(set)?;
        if !is_kick(&info) {
            return Some(info);
        }
    }
}

/// Looks at what is pending in the kernel of `set`: every kernel thread blocks it, but a parked thread may not.
pub fn collect_from_kernel(set: sig::Mask) {
    let pending = sig::pending() & set & !sig::OF_LIBC;
    let new = pending & !NOBODYS.fetch_and(pending | !set, Ordering::SeqCst);
    if new == 0 {
        return;
    }
    tls::enter();
    for signo in each(new) {
        let bit = sig::bit(signo);
        let found = taker(signo).or_else(|| {
            NOBODYS.fetch_or(bit, Ordering::SeqCst);
            // Who began to wait meanwhile may have forgotten that too early.
            let found = taker(signo);
            if found.is_some() {
                NOBODYS.fetch_and(!bit, Ordering::SeqCst);
            }
            found
        });
        match found {
            None => {}
            Some(t) if t.signals.awaits(signo) => alert(t, signo),
            // It has waited for it, and does no more: the kernel keeps it.
            Some(t) if !accepts(t, signo) => {}
            // The kernel interrupts it.
            Some(t) if t.is_bound() => {}
            Some(_) if action::handler_of(signo).is_none() => sig::let_through(bit),
            Some(_) => {
                while let Some(info) = take_from_kernel(bit) {
                    leave_to_others(&info);
                }
            }
        }
    }
    self::pending();
    tls::leave();
}

/// What the kernel has for the calling kernel thread alone goes to the inbox of the calling thread, whose it is: of main, which is
/// about to share it or asks at home, or of a bound thread. A kick that came too late is nobody's.
pub fn take_over(t: &Thread) {
    if sig::pending() != 0 {
        // A bound thread may yet read of it.
        take_own(t, if t.is_bound() { !WATCHED.load(Ordering::Relaxed) } else { sig::ALL });
    }
}

fn take_own(t: &Thread, set: sig::Mask) {
    let own = sys::gettid();
    let pending = || sched::scout::send(|| task::pending(own)).0;
    for signo in each(pending() & set) {
        // Several of a real-time signal; the kernel gives the thread's own before the process's.
        while pending() & sig::bit(signo) != 0
            && let Some(info) = sig::take_pending(sig::bit(signo))
        {
            if !is_kick(&info) {
                t.signals.inbox.add(&info, false);
            }
        }
    }
}

/// A signalfd tells of these from now on.
pub fn watch(set: sig::Mask) {
    WATCHED.fetch_or(set, Ordering::Relaxed);
}

/// Whether a thread that blocks the signal may read of it in a signalfd.
pub fn is_watched(signo: c_int) -> bool {
    WATCHED.load(Ordering::Relaxed) & sig::bit(signo) != 0
}

/// Runs `look`, which may ask a signalfd, while the kernel has what waits for the calling thread and is blocked: a signalfd knows of
/// no other. It must not wait.
#[inline(always)]
pub fn shown_to_kernel<R>(look: impl FnOnce() -> R) -> R {
    match WATCHED.load(Ordering::Relaxed) {
        0 => look(),
        watched => shown(watched, look),
    }
}

#[cold]
fn shown<R>(watched: sig::Mask, look: impl FnOnce() -> R) -> R {
    let set = |t: &Thread| t.signals.inbox.pending() & t.mask.get() & watched;
    let Some(t) = thread::current().filter(|t| set(t) != 0) else { return look() };
    tls::enter();
    let mut given = 0;
    while let Some((info, _)) = t.signals.inbox.take(set(t)) {
        given |= sig::bit(info.si_signo);
        sig::give_back(&info);
    }
    let r = look();
    take_own(t, given);
    tls::leave();
    r
}

/// Gives the kernel what waits for the calling thread or the process and is blocked: a program that is executed now finds it
/// pending. What that was.
pub fn to_kernel(t: &Thread) -> sig::Mask {
    let mut given = 0;
    for inbox in [&t.signals.inbox, &PROCESS] {
        while let Some((info, _)) = inbox.take(t.mask.get()) {
            given |= sig::bit(info.si_signo);
            sig::give_back(&info);
        }
    }
    given
}

/// Takes it back.
pub fn back_from_kernel(t: &Thread, given: sig::Mask) {
    while given != 0
        && let Some(info) = take_from_kernel(given)
    {
        t.signals.inbox.add(&info, false);
    }
}

/// Forgets what waited for the parent.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork() {
    // SAFETY: the caller's promise, passed on.
    unsafe { PROCESS.reset() };
    UNROUTED.store(false, Ordering::Relaxed);
    NOBODYS.store(0, Ordering::Relaxed);
    AWAITING.store(0, Ordering::Relaxed);
}
