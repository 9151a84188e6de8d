//! The one way to sleep: a waiter, green or not, with a deadline.
//!
//! What may be relied on: `Ready` and `TimedOut` belong to the wait that returns them. `Interrupted` and
//! `Cancelled` come from outside any queue and may be stale; every operation treats them as "look again".

use super::{Thread, cancel, foreign, listen};
use crate::arch::tls;
use crate::park::{Fire, Parker, Wake};
use crate::report::{self, Call};
use crate::sched;
use crate::signal;
use crate::sys::time::Deadline;
use crate::sys::{futex, sig};
use crate::timer;
use core::cell::Cell;
use core::ptr::null;

/// How to wait: until when, and whether pthread_cancel may end it.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// `None` waits for ever.
    pub deadline: Option<Deadline>,
    pub cancellable: bool,
    /// Whether it can end by an error that is thrown into a greenlet.
    pub failing: bool,
    /// What the report counts it as.
    pub call: Call,
    /// Signals that wake it also where the kernel has them for the calling kernel thread alone, if that is the thread's own.
    pub signals: sig::Mask,
}

impl Wait {
    pub const fn forever(call: Call) -> Wait {
        Wait { deadline: None, cancellable: false, failing: false, call, signals: 0 }
    }

    pub fn until<D: Into<Deadline>>(call: Call, deadline: Option<D>) -> Wait {
        Wait { deadline: deadline.map(Into::into), ..Wait::forever(call) }
    }

    pub const fn cancellable(self) -> Wait {
        Wait { cancellable: true, ..self }
    }

    pub const fn failing(self) -> Wait {
        Wait { failing: true, ..self }
    }

    pub const fn for_signals(self, signals: sig::Mask) -> Wait {
        Wait { signals, ..self }
    }
}

/// A parker and the thread it belongs to; null for foreign threads, which sleep on the parker's own word.
pub struct Waiter {
    pub parker: Parker,
    thread: Cell<*const Thread>,
    pub(super) unheard: listen::Unheard,
}

impl Waiter {
    pub(super) fn foreign() -> Waiter {
        Waiter { parker: Parker::new(), thread: Cell::new(null()), unheard: listen::Unheard::new() }
    }

    pub(super) fn set_thread(&self, t: *const Thread) {
        self.thread.set(t);
    }

    /// Fires the parker and, when its owner sleeps, makes it run. Whether this call won.
    pub fn wake(&self, why: Wake) -> bool {
        // Read first: a foreign waiter lives on its thread's stack, which may be gone once it has fired.
        let thread = self.thread.get();
        let (word, _) = self.parker.futex();
        let word: *const _ = word;
        match self.parker.fire(why) {
            Fire::Lost => false,
            Fire::Seen => true,
            Fire::MustResume => {
                // SAFETY: records are never freed.
                if thread.is_null() || unsafe { (*thread).is_bound() } {
                    futex::wake(word, 1);
                } else {
                    sched::ready(thread);
                }
                true
            }
            Fire::MustSignal => {
                // SAFETY: only threads with a record listen, and records are never freed.
                listen::tell(unsafe { &*thread });
                true
            }
        }
    }

    /// Sleeps until fired. The parker is armed and visible to its wakers.
    pub fn sleep(&self, how: &Wait) -> Wake {
        // SAFETY: records are never freed, and this one is the caller's own.
        let thread = unsafe { self.thread.get().as_ref() };
        // SAFETY: workers are never freed; a thread's is its own to count in while it runs.
        match thread.and_then(|t| unsafe { t.worker.get().as_ref() }) {
            Some(w) => w.parks.count_alone(how.call),
            None => report::foreign_parked(how.call),
        }
        if let Some(t) = thread {
            // One that may be cancelled anywhere ends when it leaves the runtime (`cancel::obey`); an outer frame of it would
            // only wait again.
            let cancellable = how.cancellable || tls::depth() == 1 && cancel::is_asynchronous(t.tp());
            // What came before the parker was armed had nobody to wake.
            if cancellable && t.cancel.begin_wait(t) {
                self.parker.fire(Wake::Cancelled);
            }
            if signal::ends_wait(t) || how.failing && t.is_thrown_at() {
                self.parker.fire(Wake::Interrupted);
            }
        }
        match thread {
            Some(t) if !t.is_bound() => self.sleep_green(t, how.deadline),
            Some(t) if how.signals != 0 => listen::asleep(t, self, how.signals, how.deadline),
            Some(_) => self.sleep_on_futex(how.deadline),
            None => foreign::asleep(self, how.cancellable, || self.sleep_on_futex(how.deadline)),
        }
        if let Some(t) = thread {
            t.cancel.end_wait();
        }
        self.parker.take()
    }

    fn sleep_green(&self, t: &Thread, deadline: Option<Deadline>) {
        let Some(deadline) = deadline else {
            sched::park(t);
            return;
        };
        let mut entry = timer::Entry::new(deadline, self);
        // SAFETY: the entry stays in this frame until `remove` has returned.
        unsafe {
            if timer::insert(&raw mut entry) {
                sched::deadline_moved();
            }
            sched::park(t);
            timer::remove(&raw mut entry);
        }
    }

    fn sleep_on_futex(&self, deadline: Option<Deadline>) {
        if !self.parker.commit() {
            return;
        }
        let (word, parked) = self.parker.futex();
        while !self.parker.is_fired() {
            match futex::wait_until(word, parked, deadline) {
                Err(crate::errno::Errno::TIMEDOUT) => {
                    self.parker.fire(Wake::TimedOut);
                }
                Err(crate::errno::Errno::INTR) => {
                    self.parker.fire(Wake::Interrupted);
                }
                _ => {}
            }
        }
    }
}

/// Runs `f` with the calling thread's waiter, inside the runtime.
#[inline(always)]
pub fn with_waiter<R>(f: impl FnOnce(&Waiter) -> R) -> R {
    tls::enter();
    let t = tls::current();
    let foreign = Waiter::foreign();
    // SAFETY: records are never freed.
    let r = f(if t.is_null() { &foreign } else { unsafe { &(*t).waiter } });
    tls::leave();
    r
}

/// Sleeps until the deadline. `Interrupted` and `Cancelled` as for every wait.
pub fn sleep(how: &Wait) -> Wake {
    with_waiter(|w| {
        w.parker.arm();
        w.sleep(how)
    })
}
