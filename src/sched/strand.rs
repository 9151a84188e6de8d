//! The turn: greenlets (`greenlet.h`) never run beside one another, however many workers there are.
//!
//! One greenlet has the turn. It keeps it while it runs and gives it on when it parks, yields, ends, or is about to block its worker
//! (offload); the others that could run wait here, in the order in which they became runnable, and are on no run queue. A
//! greenlet that computes keeps it: rescue gives its worker's permit to other threads, but the turn to nobody.
//!
//! A thread is made runnable by `sched::ready` alone, so that is where it asks for the turn ([`may_run`]).

use crate::sys::lock::Lock;
use crate::thread::Thread;
use core::ptr::null;

struct Strand {
    /// Who has the turn; null for nobody, and then nobody waits for it.
    holder: *const Thread,
    head: *const Thread,
    tail: *const Thread,
}

// SAFETY: those who wait are alive, runnable and in no other queue; the links are the lock holder's.
unsafe impl Send for Strand {}

impl Strand {
    const EMPTY: Strand = Strand { holder: null(), head: null(), tail: null() };

    fn push(&mut self, t: *const Thread) {
        // SAFETY: a runnable thread, in no queue; the tail is another.
        unsafe {
            (*t).next.set(null());
            if self.tail.is_null() { self.head = t } else { (*self.tail).next.set(t) }
        }
        self.tail = t;
    }

    /// Gives the turn to who has waited longest.
    fn next(&mut self) -> Option<*const Thread> {
        let t = self.head;
        self.holder = t;
        if t.is_null() {
            return None;
        }
        // SAFETY: one that waits is alive.
        self.head = unsafe { (*t).next.get() };
        if self.head.is_null() {
            self.tail = null();
        }
        Some(t)
    }
}

static STRAND: Lock<Strand> = Lock::new(Strand::EMPTY);

/// Whether a thread that has become runnable may run now. If not, it waits for its turn and is not the caller's any more.
#[inline(always)]
pub(super) fn may_run(t: *const Thread) -> bool {
    // SAFETY: records are never freed.
    !unsafe { (*t).takes_turns() } || admit(t)
}

/// Takes the turn for a runnable greenlet. False when somebody has it: then it waits here, and is not the caller's any more.
fn admit(t: *const Thread) -> bool {
    let mut strand = STRAND.lock();
    if strand.holder.is_null() {
        strand.holder = t;
        return true;
    }
    strand.push(t);
    false
}

/// Takes the turn for a running greenlet, if nobody has it or it has it already.
pub(super) fn try_take(t: *const Thread) -> bool {
    let mut strand = STRAND.lock();
    if strand.holder.is_null() {
        strand.holder = t;
    }
    core::ptr::eq(strand.holder, t)
}

/// The greenlet does not run on: the turn is the next one's, who is returned and is to run now. The greenlet may be runnable again
/// already, and be that one. `None` as well when it had not got the turn.
pub(super) fn pass(t: *const Thread) -> Option<*const Thread> {
    let mut strand = STRAND.lock();
    if core::ptr::eq(strand.holder, t) { strand.next() } else { None }
}

/// The greenlet would run on after those that wait now; who is to run now, if that is decided here.
pub(super) fn rotate(t: *const Thread) -> Option<*const Thread> {
    let mut strand = STRAND.lock();
    if core::ptr::eq(strand.holder, t) {
        strand.push(t);
        strand.next()
    } else if strand.holder.is_null() {
        strand.holder = t;
        Some(t)
    } else {
        strand.push(t);
        None
    }
}

/// The parent's greenlets are not in the child.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub(super) unsafe fn after_fork() {
    // SAFETY: the caller's promise.
    unsafe { STRAND.reset(Strand::EMPTY) };
}
