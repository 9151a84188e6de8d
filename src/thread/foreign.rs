//! What a kernel thread that is not ours lacks, because it has no record: who wakes it when it is cancelled, and where a signal
//! stays that was sent to it while it is inside the runtime.
//!
//! Such a signal is its own: nobody else may run the handler, and the kernel must not run it before the thread has left the
//! runtime. So it goes back to the kernel, blocked, and is let through by [`let_through`]. The words are in the thread's own
//! block (see `arch`), because its handlers, which take no lock, need them.

use super::cancel;
use super::wait::Waiter;
use crate::arch::{self, tls};
use crate::atomic::{AtomicBool, Ordering};
use crate::park::Wake;
use crate::signal::{Interruption, action};
use crate::sys::lock::Lock;
use crate::sys::{self, sig, time};
use core::ptr::null;

/// Who sleeps in a call that cancellation ends.
struct Sleeper {
    tp: usize,
    /// In a frame of that thread's.
    waiter: *const Waiter,
}

// SAFETY: sleepers are only reached under the lock, and live until they have taken themselves out.
unsafe impl Send for Sleeper {}

/// Whether there may be kernel threads that began to wait in libc before the library came alive, where its own wakes do not
/// reach them.
static ANY_ELDERS: AtomicBool = AtomicBool::new(false);

/// There may be some from now on.
pub fn note_elders() {
    ANY_ELDERS.store(true, Ordering::Relaxed);
}

/// Whether who wakes must wake in libc's way too.
pub fn any_elders() -> bool {
    ANY_ELDERS.load(Ordering::Relaxed)
}

static SLEEPERS: Lock<Vec<Sleeper>> = Lock::new(Vec::new());

/// Whether the calling thread is one.
pub fn is_current() -> bool {
    tls::current().is_null() && arch::tls_worker().is_null()
}

/// Sleeps, as a thread that its own signals and, if `cancellable`, a cancellation can wake.
pub(super) fn asleep(waiter: &Waiter, cancellable: bool, sleep: impl FnOnce()) {
    arch::set_foreign_waiter(waiter);
    // What came before had nobody to wake.
    if arch::put_off() != 0 {
        waiter.parker.fire(Wake::Interrupted);
    }
    if cancellable {
        SLEEPERS.lock().push(Sleeper { tp: arch::thread_pointer(), waiter });
        if cancel::is_pending() {
            waiter.parker.fire(Wake::Cancelled);
        }
    }
    sleep();
    if cancellable {
        SLEEPERS.lock().retain(|sleeper| !core::ptr::eq(sleeper.waiter, waiter));
    }
    arch::set_foreign_waiter(null());
}

/// glibc has cancelled the thread at `tp`: if it sleeps where that ends it, it is woken.
pub fn cancelled(tp: usize) {
    /// An asynchronous thread marks itself, when glibc's signal comes: it may be in the runtime by then.
    const LONGEST: u64 = time::SECOND;
    let until = time::after(LONGEST);
    loop {
        let is_marked = !cancel::is_being_marked(tp) || time::now() >= until;
        wake_sleepers(tp);
        if is_marked {
            return;
        }
        sys::sched_yield();
    }
}

/// Wakes the thread at `tp` if it sleeps and is marked. It may have ended, and only a sleeper's descriptor is sure to be there.
fn wake_sleepers(tp: usize) {
    for sleeper in SLEEPERS.lock().iter().filter(|sleeper| sleeper.tp == tp && cancel::is_requested(tp)) {
        // SAFETY: who is in the list is alive while the lock is held, and so is the waiter.
        unsafe { (*sleeper.waiter).wake(Wake::Cancelled) };
    }
}

/// A signal to the calling thread, which is inside the runtime: it stays with the kernel until the thread leaves that.
///
/// # Safety
/// Called by the handler, with what the kernel passed it.
pub unsafe fn put_off(signo: i32, info: *const libc::siginfo_t, context: *mut libc::c_void) {
    let bit = sig::bit(signo);
    sig::set_mask(sig::mask() | bit);
    // SAFETY: the kernel's context: the mask that this handler returns to, whose first word holds the 64 signals; the kernel
    // copies the siginfo, whose code it accepts from the thread itself.
    unsafe {
        *(&raw mut (*context.cast::<libc::ucontext_t>()).uc_sigmask).cast::<sig::Mask>() |= bit;
        sig::give_back(&*info);
    }
    arch::set_put_off(arch::put_off() | bit);
    tls::set_deferred(true);
    // SAFETY: the waiter is in a frame of the calling thread's that has not returned.
    if let Some(waiter) = unsafe { arch::foreign_waiter().as_ref() } {
        waiter.parker.fire(Wake::Interrupted);
    }
}

/// The calling thread has left the runtime: its signals come now. What they mean for a call is noted.
pub fn let_through() {
    let held = arch::put_off();
    if held == 0 {
        return;
    }
    arch::set_put_off(0);
    let fails = |signo| action::handler_of(signo).is_some_and(|a| a.flags & libc::SA_RESTART == 0);
    let any_fails = (1..=64).any(|signo| held & sig::bit(signo) != 0 && fails(signo));
    let noted = if any_fails { FAIL } else { RESTART };
    arch::set_foreign_outcome(arch::foreign_outcome().max(noted));
    sig::set_mask(sig::mask() & !held);
}

const RESTART: usize = 1;
const FAIL: usize = 2;

/// The calling thread's verdict since it last asked.
pub fn take_interruption() -> Interruption {
    let outcome = arch::foreign_outcome();
    forget_interruption();
    match outcome {
        0 => Interruption::None,
        RESTART => Interruption::Restart,
        _ => Interruption::Fail,
    }
}

/// The calling thread is the first of a forked child, and no green one any more: this is what its handlers have meant so far for the
/// call that it may be in.
pub fn inherit_interruption(verdict: Interruption) {
    arch::set_foreign_outcome(match verdict {
        Interruption::None => 0,
        Interruption::Restart => RESTART,
        Interruption::Fail => FAIL,
    });
}

/// A call that handlers may end begins.
pub fn forget_interruption() {
    arch::set_foreign_outcome(0);
}

/// Forgets the parent's sleepers, and elders.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork() {
    ANY_ELDERS.store(false, Ordering::Relaxed);
    // SAFETY: the caller's promise.
    unsafe { SLEEPERS.reset(Vec::new()) };
}
