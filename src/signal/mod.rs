//! Signals: handlers run in a green thread that is in program code, at once if it is, else when it is.
//!
//! From activation on every handler of the program sits behind [`wrapper`]. It runs the handler directly when
//! the interrupted thread is in program code; inside the runtime (`arch::tls`'s depth) it notes the signal and
//! the thread runs it when it leaves. Faults are delivered at once, wherever they happen.
//!
//! | what           | where                                                                                      |
//! |----------------|--------------------------------------------------------------------------------------------|
//! | mask           | each thread's own; the worker's kernel thread has that of the thread it runs               |
//! | pending        | [`inbox`]: one for each thread, one for the process, and the kernel's for what all block   |
//! | who takes it   | `route`: a signal to the process is main's if main accepts it, else anybody's who does      |
//! | handlers       | `action`: what the program installed, and on which stack it runs                           |
//! | turns          | `preempt`: a thread that computes is interrupted for others                                |
//!
//! A thread that is parked when a signal comes for it is woken, runs the handler, and its call returns EINTR or starts
//! again, as SA_RESTART and signal(7) say.

pub mod action;
pub mod altstack;
pub mod arrivals;
mod frame;
pub mod inbox;
pub mod preempt;
pub mod route;
pub mod setxid;

use crate::arch::{self, tls};
use crate::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
use crate::errno::Errno;
use crate::park::Wake;
use crate::sched;
use crate::sys::{self, Line, sig};
use crate::thread::{self, Thread, foreign, stack, tcb};
use altstack::AltStack;
use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::fmt::Write;
use inbox::Inbox;

/// A thread's side of signals.
// In C's order: what every park looks at comes first.
#[repr(C)]
pub struct Signals {
    pub inbox: Inbox,
    /// RAN and NO_RESTART, since the last sleep began.
    outcome: AtomicU32,
    /// Handlers that have run.
    runs: AtomicU32,
    /// What the thread waits for in sigwait and its kin.
    awaited: AtomicU64,
    /// Something has come that the thread blocks and a signalfd may tell of.
    has_news: AtomicBool,
    pub alt: Cell<AltStack>,
}

const RAN: u32 = 1;
const NO_RESTART: u32 = 2;

impl Signals {
    pub const fn new() -> Signals {
        Signals {
            inbox: Inbox::new(),
            outcome: AtomicU32::new(0),
            runs: AtomicU32::new(0),
            awaited: AtomicU64::new(0),
            has_news: AtomicBool::new(false),
            alt: Cell::new(AltStack::NONE),
        }
    }

    /// Makes it a new thread's. What was the process's goes to others.
    pub fn reset(&self) {
        if self.inbox.pending() != 0 {
            route::take_back(&self.inbox, sig::ALL);
            self.inbox.clear();
        }
        self.outcome.store(0, Ordering::Relaxed);
        self.has_news.store(false, Ordering::Relaxed);
        self.alt.set(AltStack::NONE);
    }

    fn take_interruption(&self) -> Interruption {
        match self.outcome.swap(0, Ordering::Relaxed) {
            0 => Interruption::None,
            o if o & NO_RESTART != 0 => Interruption::Fail,
            _ => Interruption::Restart,
        }
    }

    fn count_run(&self) {
        self.runs.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the thread is in sigwait or its kin for this signal.
    pub fn awaits(&self, signo: c_int) -> bool {
        self.awaited.load(Ordering::SeqCst) & sig::bit(signo) != 0
    }
}

impl Default for Signals {
    fn default() -> Signals {
        Signals::new()
    }
}

/// A thread's mask: its own to change, everybody's to read.
pub struct SharedMask(AtomicU64);

impl SharedMask {
    pub const fn new(mask: sig::Mask) -> SharedMask {
        SharedMask(AtomicU64::new(mask))
    }

    #[inline]
    pub fn get(&self) -> sig::Mask {
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    pub fn set(&self, mask: sig::Mask) {
        self.0.store(mask, Ordering::Relaxed);
    }

    pub fn replace(&self, mask: sig::Mask) -> sig::Mask {
        let before = self.get();
        self.set(mask);
        before
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
        return foreign::take_interruption();
    }
    // SAFETY: the current record is alive.
    unsafe { (*t).signals.take_interruption() }
}

/// Makes a system call that does not wait, again if it says EINTR and no handler of the thread's has run: a signal was
/// another's, who has just left this worker.
pub fn undisturbed<R>(mut call: impl FnMut() -> Result<R, Errno>) -> Result<R, Errno> {
    let runs = || thread::current().map(|t| t.signals.runs.load(Ordering::Relaxed));
    let before = runs();
    loop {
        match call() {
            Err(Errno::INTR) if runs() == before => {}
            done => return done,
        }
    }
}

/// A call that handlers may end begins: what ran before it is not its concern.
pub fn forget_interruption() {
    match thread::current() {
        Some(t) => t.signals.outcome.store(0, Ordering::Relaxed),
        None => foreign::forget_interruption(),
    }
}

/// The handler behind which every handler of the program sits.
///
/// # Safety
/// Called by the kernel, as the handler of a signal with SA_SIGINFO.
pub unsafe extern "C-unwind" fn wrapper(signo: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a live siginfo and ucontext.
    unsafe {
        if signo == libc::SIGSEGV && arch::recover(context) {
            return;
        }
        if is_fault(signo) {
            frame::leave_workers_stack(signo, info, context, settled);
        }
        settled(signo, info, context);
    }
}

/// The handler, on the stack where it stays.
///
/// # Safety
/// As [`wrapper`].
unsafe extern "C-unwind" fn settled(signo: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel's structures.
    unsafe {
        if let Some(t) = thread::current() {
            altstack::show(t, context.cast());
        }
        deliver(signo, info, context);
        // None in the child of a fork that the handler made: there the thread's own is the kernel's.
        if let Some(t) = thread::current() {
            altstack::take_back(t, context.cast());
            altstack::hide(t, context.cast());
        }
    }
}

/// # Safety
/// As [`wrapper`].
unsafe fn deliver(signo: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel's structures.
    unsafe {
        if is_fault(signo) && (*info).si_code > 0 {
            fault(signo, info, context);
            return;
        }
        if is_kick(&*info) {
            if tls::depth() == 0 {
                kicked();
            } else {
                tls::set_deferred(true);
            }
            return;
        }
        if tls::is_held() {
            // A vfork child: everything but the handler itself is the parent's.
            action::call(signo, info, context);
            return;
        }
        let t = thread::current();
        // A broken pipe is the writer's own, though the kernel does not say so; and a kernel thread of its own may have timers.
        // What a foreign thread is sent with a value may be for it alone too, unless main would take it.
        let may_be_own = || match t {
            Some(t) => t.is_bound(),
            None => {
                (*info).si_code == libc::SI_QUEUE && foreign::is_current() && route::main_instead(None, signo).is_none()
            }
        };
        let own = (*info).si_code == libc::SI_TKILL || signo == libc::SIGPIPE || may_be_own();
        if tls::depth() > 0 {
            if own && foreign::is_current() {
                foreign::put_off(signo, info, context);
            } else {
                defer(t, &*info, own);
            }
            return;
        }
        if !own && action::is_kept(signo) {
            tls::enter();
            defer(t, &*info, own);
            tls::leave();
            return;
        }
        if !own && let Some(main) = route::main_instead(t, signo) {
            // Inside, or another handler could leave this by a jump.
            tls::enter();
            post(main, &*info, true);
            tls::leave();
            return;
        }
        if let Some(t) = t
            && is_due(t)
        {
            // Others came first, and are on their way.
            tls::enter();
            t.signals.inbox.add(&*info, !own);
            tls::set_deferred(true);
            tls::leave();
            return;
        }
        if let Some(t) = t {
            t.signals.count_run();
        }
        // What the program sees and changes in its handler is the handler's mask.
        let interrupted = mask_after(context);
        let before = t.map(|t| t.mask.replace(sig::mask()));
        action::call(signo, info, context);
        if let (Some(t), Some(before)) = (t, before) {
            // The mask that the kernel is about to put back: the handler may have changed that. If not it is the thread's; the
            // kernel's may still be, or be already, that of another handler whose beginning or end this one has interrupted.
            let after = mask_after(context);
            t.mask.set(if after == interrupted { before } else { after });
            run_what_came(t);
        }
    }
}

/// The mask that a handler returns to.
///
/// # Safety
/// `context` is the handler's ucontext.
unsafe fn mask_after(context: *mut c_void) -> sig::Mask {
    // SAFETY: the caller's context.
    unsafe { sig::of_set(&raw const (*context.cast::<libc::ucontext_t>()).uc_sigmask) & !sig::NEVER_BLOCKED }
}

/// The thread leaves its worker. For a write without a reader the kernel has sent SIGPIPE to the kernel thread: if the thread
/// blocks that, it is the thread's to have, not the next one's here.
#[inline(always)]
pub fn leaves_worker(t: &Thread) {
    if t.mask.get() & sig::bit(libc::SIGPIPE) != 0 {
        keep_broken_pipe(t);
    }
}

#[cold]
fn keep_broken_pipe(t: &Thread) {
    if let Some(info) = sig::take_pending(sig::bit(libc::SIGPIPE)) {
        // SAFETY: the kernel writes a sender into what it sends for a write, as into what kill(2) sends.
        let by_itself = info.si_code == libc::SI_USER && unsafe { info.si_pid() } == sys::getpid();
        t.signals.inbox.add(&info, !by_itself);
    }
}

fn is_fault(signo: c_int) -> bool {
    matches!(signo, libc::SIGSEGV | libc::SIGBUS | libc::SIGFPE | libc::SIGILL | libc::SIGTRAP)
}

/// The thread is inside the runtime: it, or whoever accepts, runs the handler later.
fn defer(t: Option<&Thread>, info: &libc::siginfo_t, own: bool) {
    match t {
        Some(t) if own => t.signals.inbox.add(info, false),
        _ => route::leave_to_others(info),
    }
    tls::set_deferred(true);
    match t {
        // It may be about to sleep on its futex, with its last look behind it.
        Some(t) if t.is_bound() => drop(t.waiter.wake(Wake::Interrupted)),
        Some(_) => {}
        None => sched::stir(),
    }
}

/// Notes a signal for a thread that may be anywhere; `shared`: it was sent to the process.
pub fn post(t: &Thread, info: &libc::siginfo_t, shared: bool) {
    t.signals.inbox.add(info, shared);
    alert(t, info.si_signo);
}

/// Something was noted for `t`: parked, it is woken; in program code or in the kernel on some worker, that worker is
/// interrupted; else it looks when it next leaves the runtime.
fn alert(t: &Thread, signo: c_int) {
    tcb::set_deferred(t.tp());
    let accepts = t.mask.get() & sig::bit(signo) == 0;
    if !accepts && !t.signals.awaits(signo) {
        if route::is_watched(signo) {
            // It may wait for a signalfd: it is to look again, once.
            t.signals.has_news.store(true, Ordering::SeqCst);
            t.waiter.wake(Wake::Interrupted);
        }
        return;
    }
    // One that waits for the signal looks again before it goes on. And where there is no handler a kick that comes late, while
    // the worker runs another thread, would be that thread's end.
    if !t.waiter.wake(Wake::Interrupted) && accepts && action::handler_of(signo).is_some() {
        kick(t, signo);
    }
}

/// Marks a real signal that only says "look into your inbox".
const KICK: c_int = 0x6b69;

fn is_kick(info: &libc::siginfo_t) -> bool {
    info.si_errno == KICK
}

/// Interrupts the worker that has `t`, if one has.
fn kick(t: &Thread, signo: c_int) {
    let w = t.worker.get();
    // SAFETY: workers are never freed; the kernel copies the siginfo, whose code it accepts within a process.
    unsafe {
        if w.is_null() || !core::ptr::eq((*w).running(), t) || (*w).tid() == sys::gettid() {
            return;
        }
        // Not seen already. That it is inside the runtime, where it is told to look, says nothing: it may be just leaving.
        if t.signals.inbox.pending() & sig::bit(signo) == 0 {
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

/// Runs what is noted for the calling thread, which is in program code: a kick arrived, or it sent to itself, or has
/// unblocked something. It may be none by now. The calls that the kernel was making for it end or restart by the
/// handler's own flags.
pub fn kicked() {
    tls::enter();
    tls::set_deferred(true);
    tls::leave();
}

/// Hands `r` through, the answer of a call that was never inside the runtime: what was noted meanwhile runs now.
#[inline(always)]
pub fn then_look<R>(r: R) -> R {
    if arch::deferred() {
        look();
    }
    r
}

#[cold]
fn look() {
    // A vfork child has its parent's word. One level further in, it is looked at further out.
    if !tls::is_held() && tls::depth() == 0 {
        kicked();
    }
}

/// Runs what is noted for the calling thread and not blocked. Called when it leaves the runtime.
#[cold]
pub fn run_deferred() {
    loop {
        tls::set_deferred(false);
        // Others note, then tell to look.
        fence(Ordering::SeqCst);
        route::pending();
        let Some(t) = thread::current() else { return foreign::let_through() };
        // What comes while this looks is noted too: it would begin here again, on a deeper stack each time.
        arch::depth_add(1);
        if route::has_for(t) {
            route::all();
        }
        let any = deliver_one(t);
        preempt::obey(t);
        arch::depth_add(-1);
        if !any && !arch::deferred() {
            return;
        }
    }
}

/// Runs the handler of one noted signal as the kernel would: with its mask, and noting what it means for an interrupted
/// call. False when none is due. Called one level inside the runtime; the handler is outside.
fn deliver_one(t: &Thread) -> bool {
    let before = t.mask.get();
    let Some((info, _)) = t.signals.inbox.take(!before) else { return false };
    let signo = info.si_signo;
    let Some(a) = action::handler_of(signo) else {
        outside(|| action::redeliver(signo));
        return true;
    };
    let during = before | a.mask | if a.flags & libc::SA_NODEFER != 0 { 0 } else { sig::bit(signo) };
    t.mask.set(during);
    sig::set_mask(during);
    let note = RAN | if a.flags & libc::SA_RESTART != 0 { 0 } else { NO_RESTART };
    t.signals.outcome.fetch_or(note, Ordering::Relaxed);
    t.signals.count_run();
    outside(|| action::call_noted(&info, before));
    t.mask.set(before);
    sig::set_mask(before);
    true
}

/// One level further out of the runtime, without the look that [`tls::leave`] takes.
fn outside(f: impl FnOnce()) {
    arch::depth_add(-1);
    f();
    arch::depth_add(1);
}

/// The calling thread, in program code, begins or has changed its mask: there may be something for it already.
#[inline]
pub fn run_what_came(t: &Thread) {
    // Whoever has a signal for it notes that, and looks at its mask.
    fence(Ordering::SeqCst);
    route::accepted(t);
    if is_due(t) || route::has_for(t) {
        kicked();
    }
}

/// Sets the calling green thread's mask, and runs what that lets through.
pub fn set_thread_mask(t: &Thread, mask: sig::Mask) {
    let before = t.mask.replace(mask);
    sig::set_mask(mask);
    let blocked = mask & !before;
    if blocked != 0 {
        route::blocked(t, blocked);
        if thread::is_main(t) {
            sched::remask_sleepers(blocked);
        }
    }
    run_what_came(t);
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
            Some(_) => {
                const SEGV_MAPERR: c_int = 1;
                const SEGV_ACCERR: c_int = 2;
                if signo == libc::SIGSEGV
                    && (*info).si_code == SEGV_MAPERR
                    && t.as_ref().is_some_and(|t| stack::is_in_slab_guard(&t.pair.get(), (*info).si_addr() as usize))
                {
                    (*info).si_code = SEGV_ACCERR;
                }
                let t = t.as_ref().filter(|_| !tls::is_held());
                if let Some(t) = t {
                    t.mask.set(sig::mask());
                }
                action::call(signo, info, context);
                if let Some(t) = t {
                    t.mask.set(mask_after(context));
                }
            }
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
    t.signals.inbox.pending() & !t.mask.get() != 0
}

/// Whether a wait of the thread that begins now ends at once: for its handlers, or because it is to look at its signalfds again.
#[inline]
pub fn ends_wait(t: &Thread) -> bool {
    let pending = t.signals.inbox.pending();
    pending != 0 && (pending & !t.mask.get() != 0 || t.signals.has_news.swap(false, Ordering::SeqCst))
}

/// Runs `f` with another mask, as ppoll and its kin do: what that lets in ends a wait inside `f`, and its handlers
/// run under the other mask, after the wait.
pub fn with_mask<R>(t: &Thread, mask: sig::Mask, f: impl FnOnce() -> R) -> R {
    let before = t.mask.get();
    tls::enter();
    t.mask.set(mask);
    sig::set_mask(mask);
    route::accepted(t);
    if route::has_for(t) {
        route::all();
    }
    let r = f();
    if is_due(t) {
        tls::set_deferred(true);
    }
    tls::leave();
    set_thread_mask(t, before);
    r
}

/// The calling thread begins or ends a wait for these signals, which it takes although it may block them.
pub fn set_awaited(t: &Thread, set: sig::Mask) {
    action::keep(set);
    let before = t.signals.awaited.swap(set, Ordering::SeqCst);
    route::awaited_changed(before, set);
}

/// In the child `t` is alone, with nothing pending, and has its alternate stack from the kernel until there are green threads.
///
/// # Safety
/// The caller is `t`, the only thread of a forked child.
pub unsafe fn after_fork(t: &Thread) {
    // SAFETY: the caller's promise, passed on.
    unsafe {
        inbox::after_fork();
        t.signals.inbox.reset();
        route::after_fork();
    }
    foreign::inherit_interruption(t.signals.take_interruption());
    altstack::set_of_kernel_thread(t.signals.alt.get());
}
