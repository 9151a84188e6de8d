//! Signals: handlers run in a green thread that is in program code, at once if it is, else when it is.
//!
//! From activation on every handler of the program sits behind [`wrapper`]. It runs the handler directly when
//! the interrupted thread is in program code; inside the runtime (`arch::tls`'s depth) it notes the signal and
//! the thread runs it when it leaves. Process-directed signals prefer the main thread, as the kernel does: if
//! main is parked it is woken, runs the handler, and its call returns EINTR or starts again, as SA_RESTART and
//! signal(7) say. Faults are delivered at once, wherever they happen.
//!
//! What is not there yet (issue 3): queued values of real-time signals, per-thread alternate stacks.

pub mod action;
pub mod setxid;

use crate::arch::{self, tls};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::park::Wake;
use crate::sched;
use crate::sys::{self, Line, sig};
use crate::thread::{self, Thread, stack};
use core::ffi::{c_int, c_void};
use core::fmt::Write;

/// Signals noted for one thread, and what became of those that ran.
pub struct Inbox {
    pending: AtomicU64,
    /// What the thread waits for in sigwait and its kin.
    awaited: AtomicU64,
    /// RAN and NO_RESTART, since the last sleep began.
    outcome: AtomicU32,
}

const RAN: u32 = 1;
const NO_RESTART: u32 = 2;

impl Inbox {
    pub const fn new() -> Inbox {
        Inbox { pending: AtomicU64::new(0), awaited: AtomicU64::new(0), outcome: AtomicU32::new(0) }
    }

    pub fn reset(&self) {
        self.pending.store(0, Ordering::Relaxed);
        self.outcome.store(0, Ordering::Relaxed);
    }

    /// What is noted and has not run.
    pub fn pending(&self) -> sig::Mask {
        self.pending.load(Ordering::SeqCst)
    }

    /// Takes out what is noted of `set`.
    pub fn take(&self, set: sig::Mask) -> sig::Mask {
        self.pending.fetch_and(!set, Ordering::SeqCst) & set
    }

    /// The thread waits in the kernel for these to become pending; none when it is done.
    pub fn await_these(&self, set: sig::Mask) {
        self.awaited.store(set, Ordering::SeqCst);
    }

    fn push(&self, sig: c_int) {
        self.pending.fetch_or(sig::bit(sig), Ordering::SeqCst);
    }
}

impl Default for Inbox {
    fn default() -> Inbox {
        Inbox::new()
    }
}

/// What a signal did to a call that it interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interruption {
    /// No handler ran: look again.
    None,
    /// Handlers ran, all with SA_RESTART.
    Restart,
    /// A handler without SA_RESTART ran.
    Fail,
}

/// Takes the calling thread's verdict since it last asked. Handlers have run by now: the caller is outside
/// the runtime.
pub fn take_interruption() -> Interruption {
    let t = tls::current();
    if t.is_null() {
        // A foreign thread's own sleeps are ended by real signals, whose flags nobody noted.
        return Interruption::Restart;
    }
    // SAFETY: the current record is alive.
    match unsafe { (*t).signals.outcome.swap(0, Ordering::Relaxed) } {
        0 => Interruption::None,
        o if o & NO_RESTART != 0 => Interruption::Fail,
        _ => Interruption::Restart,
    }
}

/// A call that handlers may end begins: what ran before it is not its concern.
pub fn forget_interruption() {
    // SAFETY: records are never freed.
    if let Some(t) = unsafe { tls::current().as_ref() } {
        t.signals.outcome.store(0, Ordering::Relaxed);
    }
}

/// Signals taken by a worker in its loop, for whichever thread accepts them.
static UNROUTED: AtomicU64 = AtomicU64::new(0);

/// The handler behind which every handler of the program sits.
///
/// # Safety
/// Called by the kernel, as the handler of a signal with SA_SIGINFO.
pub unsafe extern "C" fn wrapper(signo: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a live siginfo and ucontext.
    unsafe {
        if signo == libc::SIGSEGV && arch::recover(context) {
            return;
        }
        if is_fault(signo) && (*info).si_code > 0 {
            fault(signo, info, context);
            return;
        }
        if (*info).si_errno == KICK {
            if tls::depth() == 0 {
                kicked();
            }
            return;
        }
        action::note_info(signo, &*info);
        if tls::depth() > 0 {
            defer(signo);
            return;
        }
        // A broken pipe is the writer's own, though the kernel does not say so.
        let own = (*info).si_code == libc::SI_TKILL || signo == libc::SIGPIPE;
        if !own && route_to_main(signo) {
            return;
        }
        let t = tls::current().as_ref();
        // What the program sees and changes in its handler is the handler's mask.
        let before = t.map(|t| t.mask.replace(sig::mask()));
        action::call(signo, info, context);
        if let (Some(t), Some(before)) = (t, before) {
            t.mask.set(before);
            if is_due(t) {
                kicked();
            }
        }
    }
}

fn is_fault(signo: c_int) -> bool {
    matches!(signo, libc::SIGSEGV | libc::SIGBUS | libc::SIGFPE | libc::SIGILL | libc::SIGTRAP)
}

/// The thread is inside the runtime: it, or whoever accepts, runs the handler later.
fn defer(signo: c_int) {
    let t = tls::current();
    if t.is_null() {
        UNROUTED.fetch_or(sig::bit(signo), Ordering::SeqCst);
        sched::stir();
    } else {
        // SAFETY: the current record is alive.
        let t = unsafe { &*t };
        t.signals.push(signo);
        tls::set_deferred(true);
        if t.is_bound() {
            // It may be about to sleep on its futex, with its last look behind it.
            t.waiter.wake(Wake::Interrupted);
        }
    }
}

/// A process-directed signal that interrupted another thread goes to main, if main accepts it.
fn route_to_main(signo: c_int) -> bool {
    let Some(main) = thread::main_thread() else { return false };
    if !crate::active()
        || core::ptr::eq(main, tls::current())
        || main.mask.get() & sig::bit(signo) != 0
        || main.is_bound()
    {
        return false;
    }
    post(main, signo);
    true
}

/// Notes a signal for a thread that may be anywhere: parked, it is woken; in program code or in the kernel on some
/// worker, that worker is interrupted; else it looks when it next leaves the runtime.
pub fn post(t: &Thread, signo: c_int) {
    t.signals.push(signo);
    poke(t);
    if t.mask.get() & sig::bit(signo) == 0 && !t.waiter.wake(Wake::Interrupted) {
        kick(t, signo);
    }
}

/// The kernel thread in which `t` waits for `signo` with sigwait or its kin.
pub fn awaiting_worker(t: &Thread, signo: c_int) -> Option<u32> {
    let awaits = signo > 0 && t.signals.awaited.load(Ordering::SeqCst) & sig::bit(signo) != 0;
    // SAFETY: workers are never freed.
    let w = unsafe { t.worker.get().as_ref() }?;
    (awaits && core::ptr::eq(w.running(), t)).then(|| w.tid())
}

/// Marks a real signal that only says "look into your inbox".
const KICK: c_int = 0x6b69;

/// Interrupts the worker that has `t`, if one has.
fn kick(t: &Thread, signo: c_int) {
    let w = t.worker.get();
    // SAFETY: workers are never freed; the kernel copies the siginfo, whose code it accepts within a process.
    unsafe {
        if w.is_null() || !core::ptr::eq((*w).running(), t) || (*w).tid() == sys::gettid() {
            return;
        }
        let mut info: libc::siginfo_t = core::mem::zeroed();
        info.si_signo = signo;
        info.si_errno = KICK;
        // The kernel lets a thread send SI_TKILL to itself only.
        info.si_code = libc::SI_QUEUE;
        let _ = crate::syscall!(libc::SYS_rt_tgsigqueueinfo, sys::getpid(), (*w).tid(), signo, &raw const info);
    }
}

/// Runs what is noted for the calling thread, which is in program code: a kick arrived, or it sent to itself. Run what is noted for this thread, which may be none by now. The calls that the
/// kernel was making for it end or restart by the handler's own flags.
pub fn kicked() {
    tls::enter();
    tls::set_deferred(true);
    tls::leave();
}

/// Makes a thread look into its inbox when it next leaves the runtime.
fn poke(t: &Thread) {
    let at = (t.tp() as isize + arch::tls_offset() + 12) as *const AtomicU32;
    // SAFETY: the fourth word of the engine's block, in the static TLS of a TCB that is never unmapped.
    unsafe { (*at).store(1, Ordering::SeqCst) };
}

/// Whether a worker has taken a signal in its loop that nobody has yet.
pub fn is_unrouted() -> bool {
    UNROUTED.load(Ordering::Relaxed) != 0
}

/// Hands what a worker took in its loop to main. Whether there was any.
pub fn route_pending() -> bool {
    if !is_unrouted() {
        return false;
    }
    let mut bits = take_unrouted();
    let Some(main) = thread::main_thread() else { return false };
    while bits != 0 {
        let signo = bits.trailing_zeros() as c_int + 1;
        bits &= bits - 1;
        post(main, signo);
    }
    true
}

/// Runs what is noted for the calling thread and not blocked. Called when it leaves the runtime.
#[cold]
pub fn run_deferred() {
    let t = tls::current();
    tls::set_deferred(false);
    if t.is_null() {
        return;
    }
    // SAFETY: the current record is alive.
    let t = unsafe { &*t };
    loop {
        let due = t.signals.pending.load(Ordering::SeqCst) & !t.mask.get();
        if due == 0 {
            return;
        }
        let signo = due.trailing_zeros() as c_int + 1;
        t.signals.pending.fetch_and(!sig::bit(signo), Ordering::SeqCst);
        deliver(t, signo);
    }
}

/// Runs one handler as the kernel would: with its mask, and noting what it means for an interrupted call.
fn deliver(t: &Thread, signo: c_int) {
    let Some(a) = action::handler_of(signo) else {
        action::redeliver(signo);
        return;
    };
    let before = t.mask.get();
    let during = before | a.mask | if a.flags & libc::SA_NODEFER != 0 { 0 } else { sig::bit(signo) };
    t.mask.set(during);
    sig::set_mask(during);
    let note = RAN | if a.flags & libc::SA_RESTART != 0 { 0 } else { NO_RESTART };
    t.signals.outcome.fetch_or(note, Ordering::Relaxed);
    action::call_noted(signo);
    t.mask.set(before);
    sig::set_mask(before);
}

/// Sets the calling green thread's mask, and runs what that lets through.
pub fn set_thread_mask(t: &Thread, mask: sig::Mask) {
    t.mask.set(mask);
    sig::set_mask(mask);
    if t.signals.pending.load(Ordering::SeqCst) & !mask != 0 {
        tls::enter();
        tls::set_deferred(true);
        tls::leave();
    }
}

const ALT_STACK: usize = 64 * 1024;

/// Gives a new worker's kernel thread an alternate stack, on which a stack overflow can be told.
pub fn worker_started() {
    let at = sys::alloc::map(ALT_STACK);
    if at.is_null() {
        return;
    }
    let ss = libc::stack_t { ss_sp: at.cast(), ss_flags: 0, ss_size: ALT_STACK };
    // SAFETY: a fresh mapping that only this kernel thread uses.
    let _ = unsafe { crate::syscall!(libc::SYS_sigaltstack, &raw const ss, 0usize) };
}

/// The same for the first worker, unless the program has one already.
pub fn first_worker_started() {
    let mut ss = libc::stack_t { ss_sp: core::ptr::null_mut(), ss_flags: 0, ss_size: 0 };
    // SAFETY: queries into a live structure.
    let _ = unsafe { crate::syscall!(libc::SYS_sigaltstack, 0usize, &raw mut ss) };
    if ss.ss_flags & libc::SS_DISABLE != 0 {
        worker_started();
    }
}

/// A fault: tell a stack overflow, then do as the program asked.
///
/// # Safety
/// As a signal handler's arguments.
unsafe fn fault(signo: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes live structures.
    unsafe {
        let t = tls::current();
        if signo == libc::SIGSEGV && !t.is_null() {
            let sp = (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs[libc::REG_RSP as usize] as usize;
            let pair = (*t).pair.get();
            if action::handler_of(signo).is_none() && stack::is_overflow(&pair, (*info).si_addr() as usize, sp) {
                tell_overflow(&*t);
            }
        }
        match action::handler_of(signo) {
            Some(_) => action::call(signo, info, context),
            // Back to the default: the instruction faults again and the process ends as it would have.
            None => drop(sig::reset_default(signo)),
        }
    }
}

fn tell_overflow(t: &Thread) {
    let name = t.name.get();
    let len = name.iter().position(|&b| b == 0).unwrap_or(name.len());
    let mut line = Line::new();
    let _ = write!(line, "libgreenlet: thread {}", t.tid());
    if len > 0 {
        let _ = write!(line, " ({})", core::str::from_utf8(&name[..len]).unwrap_or("?"));
    }
    let _ = writeln!(
        line,
        " overflowed its stack of {} bytes (pthread_attr_setstacksize or GREENLET_STACK_SIZE sets the size)",
        t.pair.get().size
    );
    sys::stderr(line.bytes());
}

/// Whether a signal waits that the thread's mask lets through.
pub fn is_due(t: &Thread) -> bool {
    t.signals.pending.load(Ordering::SeqCst) & !t.mask.get() != 0
}

/// Runs `f` with another mask, as ppoll and its kin do: what that lets in ends a wait inside `f`, and its handlers
/// run under the other mask, after the wait.
pub fn with_mask<R>(t: &Thread, mask: sig::Mask, f: impl FnOnce() -> R) -> R {
    let before = t.mask.get();
    tls::enter();
    t.mask.set(mask);
    sig::set_mask(mask);
    let r = f();
    if is_due(t) {
        tls::set_deferred(true);
    }
    tls::leave();
    set_thread_mask(t, before);
    r
}

/// What a worker's loop has noted and nobody has been told of.
pub fn unrouted() -> sig::Mask {
    UNROUTED.load(Ordering::SeqCst)
}

/// Takes what a worker's loop has noted and nobody has been told of.
pub fn take_unrouted() -> sig::Mask {
    UNROUTED.swap(0, Ordering::SeqCst)
}
