//! Cancellation: glibc's own word says whether, we say when.
//!
//! The canceller sets the bits that glibc's pthread_cancel would set in the target's descriptor, so that every
//! cancellation point inside libc sees them too, and wakes the target if it is parked in one of ours. glibc's
//! own function is not used on a green target: for an asynchronous one it sends a signal to a tid that is not
//! there and leaves the target half cancelled. Which bits those are is asked of glibc once, by cancelling a
//! thread of our own making: the caller, with cancellation disabled, for the length of three instructions.
//!
//! A thread that is not ours is glibc's to cancel; see `foreign` for who wakes it.

use super::{Thread, exit, tcb};
use crate::arch::{self, tls};
use crate::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use crate::park::Wake;
use crate::real;
use crate::sys::{mem, sig};
use crate::syscall;
use core::ffi::c_void;

const DISABLED: u32 = 1;
const ASYNCHRONOUS: u32 = 2;
const EXITING: u32 = 16;
const SIGCANCEL: i32 = 32;
const PTHREAD_CANCEL_DISABLE: i32 = 1;
static BITS: AtomicU32 = AtomicU32::new(0);

/// A thread's side of it.
pub struct State {
    /// It sleeps, or is about to, in a call that cancellation ends.
    waiting: AtomicBool,
}

impl State {
    pub const fn new() -> State {
        State { waiting: AtomicBool::new(false) }
    }

    pub fn reset(&self) {
        self.waiting.store(false, Ordering::Relaxed);
    }

    /// The thread is about to sleep; true when it has been cancelled already.
    pub fn begin_wait(&self, t: &Thread) -> bool {
        self.waiting.store(true, Ordering::SeqCst);
        is_requested(t.tp())
    }

    pub fn end_wait(&self) {
        self.waiting.store(false, Ordering::Relaxed);
    }
}

impl Default for State {
    fn default() -> State {
        State::new()
    }
}

/// Whether the thread at `tp` has been cancelled and lets that happen: not while it disables it, nor in the cleanup
/// handlers that it runs because of it.
pub fn is_requested(tp: usize) -> bool {
    let bits = BITS.load(Ordering::Relaxed);
    bits != 0
        && tcb::cancel_word(tp).is_some_and(|w| {
            let word = w.load(Ordering::SeqCst);
            word & bits == bits && word & (DISABLED | EXITING) == 0
        })
}

/// Whether a green thread has been cancelled yet, so that [`is_pending`] can tell.
pub fn is_known() -> bool {
    BITS.load(Ordering::Relaxed) != 0
}

/// Whether anything but the thread's own settings and a setuid's mark stands in its word.
pub fn is_word_marked(tp: usize) -> bool {
    const OWN: u32 = DISABLED | ASYNCHRONOUS | tcb::SETXID_MARK;
    tcb::cancel_word(tp).is_some_and(|w| w.load(Ordering::SeqCst) & !OWN != 0)
}

/// Whether the calling thread, which may be glibc's to cancel, may have been.
pub fn may_be_pending() -> bool {
    tcb::cancel_word(arch::thread_pointer()).is_none() || is_word_marked(arch::thread_pointer())
}

/// Whether the calling green thread must end at this cancellation point.
pub fn is_pending() -> bool {
    is_known() && is_requested(arch::thread_pointer())
}

/// Whether the thread at `tp` may be cancelled anywhere.
pub fn is_asynchronous(tp: usize) -> bool {
    tcb::cancel_word(tp).is_some_and(|w| w.load(Ordering::SeqCst) & (DISABLED | ASYNCHRONOUS) == ASYNCHRONOUS)
}

/// While it lives the calling thread, which may be cancelled anywhere, is cancelled at cancellation points only. [`obey`] has
/// to follow.
pub struct Deferred;

impl Deferred {
    pub fn begin() -> Deferred {
        if let Some(word) = tcb::cancel_word(arch::thread_pointer()) {
            word.fetch_and(!ASYNCHRONOUS, Ordering::SeqCst);
        }
        Deferred
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        if let Some(word) = tcb::cancel_word(arch::thread_pointer()) {
            word.fetch_or(ASYNCHRONOUS, Ordering::SeqCst);
        }
    }
}

/// The calling thread leaves the runtime, where it could not be cancelled: if it has been meanwhile, and may be anywhere, it
/// ends here.
pub fn obey() {
    if tls::depth() == 0 && is_pending() && is_asynchronous(arch::thread_pointer()) && exit::before_cancel() {
        // SAFETY: it unwinds from here, as glibc's own handler does from anywhere.
        unsafe { real::pthread_testcancel() };
    }
}

/// Asks glibc which bits its cancellation sets, with the calling thread as the subject; what they are, 0 if not known.
pub fn learn_bits() -> u32 {
    let known = BITS.load(Ordering::Acquire);
    if known != 0 {
        return known;
    }
    let tp = arch::thread_pointer();
    let Some(word) = tcb::cancel_word(tp) else { return 0 };
    let mut old = 0;
    // SAFETY: the calling thread cancels itself while it cannot be cancelled, and takes it back.
    unsafe {
        real::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &mut old);
        let before = word.load(Ordering::SeqCst);
        real::pthread_cancel(tp as libc::pthread_t);
        let bits = word.load(Ordering::SeqCst) & !before;
        if before & bits == 0 {
            word.fetch_and(!bits, Ordering::SeqCst);
        }
        real::pthread_setcancelstate(old, core::ptr::null_mut());
        take_over_signal();
        BITS.store(bits, Ordering::Release);
        bits
    }
}

/// Cancels a green thread. False when glibc's layout is not known and the caller must ask glibc.
pub fn request(t: &Thread) -> bool {
    learn_bits();
    mark(t).is_some_and(|mark| {
        mark.tell(t);
        true
    })
}

/// What a thread's word said before it was marked.
#[derive(Clone, Copy, Debug)]
pub struct Mark(u32);

/// Marks a green thread as cancelled, for [`Mark::tell`] to follow. `None` where that cannot be done, or [`learn_bits`] has not been
/// called.
pub fn mark(t: &Thread) -> Option<Mark> {
    let bits = BITS.load(Ordering::Acquire);
    let word = tcb::cancel_word(t.tp()).filter(|_| bits != 0)?;
    Some(Mark(word.fetch_or(bits, Ordering::SeqCst)))
}

impl Mark {
    /// Wakes the thread, or interrupts it, if that is what ends it. It may have ended.
    pub fn tell(self, t: &Thread) {
        let Mark(old) = self;
        if old & (DISABLED | ASYNCHRONOUS) == ASYNCHRONOUS {
            // For when it leaves the runtime, if it is inside.
            tcb::set_deferred(t.tp());
            interrupt(t);
        }
        if old & DISABLED == 0 && t.cancel.waiting.load(Ordering::SeqCst) {
            t.waiter.wake(Wake::Cancelled);
        }
    }
}

/// Whether glibc has begun to mark the thread as cancelled. It may have ended since, and its descriptor be gone.
pub(super) fn is_being_marked(tp: usize) -> bool {
    let bits = BITS.load(Ordering::Relaxed);
    let word = tcb::cancel_word(tp).and_then(|word| mem::read(word.as_ptr()).ok()).unwrap_or(0);
    word & bits != 0 && word & bits != bits
}

/// glibc's handler of its cancellation signal, for threads that are not ours.
static NATIVE_HANDLER: AtomicUsize = AtomicUsize::new(0);

/// Puts our handler before glibc's, which would cancel whatever green thread it interrupts.
fn take_over_signal() {
    let mut action = sig::KernelAction::default();
    // SAFETY: queries and installs live kernel structures; restorer, flags and mask stay glibc's.
    unsafe {
        if syscall!(libc::SYS_rt_sigaction, SIGCANCEL, 0usize, &raw mut action, 8usize).is_ok() && action.handler > 1 {
            NATIVE_HANDLER.store(action.handler, Ordering::Relaxed);
            action.handler = on_signal as *const () as usize;
            let _ = syscall!(libc::SYS_rt_sigaction, SIGCANCEL, &raw const action, 0usize, 8usize);
        }
    }
}

/// A target that may be cancelled at any instruction: asynchronous by its own wish, or because libc is in a
/// blocking call on its behalf. If a worker has it in program code, interrupt that worker.
fn interrupt(t: &Thread) {
    let w = t.worker.get();
    // SAFETY: workers are never freed.
    unsafe {
        if t.is_bound() || (!w.is_null() && core::ptr::eq((*w).running(), t)) {
            let _ = sig::tgkill((*w).tid(), SIGCANCEL);
        }
    }
}

unsafe extern "C-unwind" fn on_signal(signo: i32, info: *mut libc::siginfo_t, context: *mut c_void) {
    let t = tls::current();
    // SAFETY: glibc's handler with the kernel's arguments; the current record is alive. testcancel unwinds from
    // here, as glibc's own handler does; the mask that this handler runs with must not outlive it.
    unsafe {
        if t.is_null() {
            if !arch::tls_worker().is_null() {
                // The thread that it was for has left this worker, and sees its own word.
                return;
            }
            if tls::depth() > 0 {
                // What it waits in must not be left by unwinding. It ends when it comes out.
                if let Some(word) = tcb::cancel_word(arch::thread_pointer()) {
                    word.fetch_or(BITS.load(Ordering::Relaxed), Ordering::SeqCst);
                }
                return;
            }
            let native = NATIVE_HANDLER.load(Ordering::Relaxed);
            core::mem::transmute::<usize, unsafe extern "C-unwind" fn(i32, *mut libc::siginfo_t, *mut c_void)>(native)(
                signo, info, context,
            );
            return;
        }
        if !is_pending() || !is_asynchronous(arch::thread_pointer()) {
            return;
        }
        if tls::depth() == 0 {
            sig::set_mask((*t).mask.get());
            real::pthread_testcancel();
        } else {
            tls::set_deferred(true);
        }
    }
}

/// The state that a fresh thread has: enabled, deferred, not cancelled.
pub fn reset_word(tp: usize) {
    if let Some(word) = tcb::cancel_word(tp) {
        word.store(0, Ordering::Relaxed);
    }
}
