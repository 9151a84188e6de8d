//! How a bound thread sleeps in sigwait and its kin: in the kernel's own, because what the kernel keeps for one kernel thread (a
//! timer's signal, one sent by another process) is shown to that alone. What wakes it by way of the library has to be a
//! signal too: one of libc's own, which the program cannot wait for, and which is blocked meanwhile.
//!
//! The parker says that it listens (`LISTENING`). Whoever fires it then sends exactly one such signal, and the thread does not go
//! on before it has taken that: none is left to come later, when it would not be blocked.

use super::Thread;
use super::wait::Waiter;
use crate::atomic::{AtomicBool, Ordering};
use crate::errno::Errno;
use crate::park::{Fire, Wake};
use crate::sys::sig;
use crate::sys::time::{self, Deadline};

/// libc cancels with it, but not the threads that listen: the library does that.
const TOLD: i32 = 32;
/// The longest sleep without a look whether somebody was refused the signal.
const LOOK_AGAIN: u64 = time::SECOND;

/// Whether a signal for the listener was refused, as the kernel does where the user has too many queued.
pub(super) struct Unheard(AtomicBool);

impl Unheard {
    pub(super) const fn new() -> Unheard {
        Unheard(AtomicBool::new(false))
    }
}

/// Sleeps until one of `set` has come, which is noted for the thread, or until the waiter is fired.
pub(super) fn asleep(t: &Thread, waiter: &Waiter, set: sig::Mask, deadline: Option<Deadline>) {
    let told = sig::bit(TOLD);
    let mask = sig::mask();
    sig::set_mask(mask | told);
    if waiter.parker.commit_listening() {
        let mut expected = set | told;
        while let Some(why) = listen(t, waiter, expected, deadline) {
            if waiter.parker.fire(why) != Fire::Lost {
                break;
            }
            // Somebody was first, whose signal is on its way.
            expected = told;
        }
    }
    sig::set_mask(mask);
}

/// Why the thread wakes by itself; `None` once it has been woken.
fn listen(t: &Thread, waiter: &Waiter, expected: sig::Mask, deadline: Option<Deadline>) -> Option<Wake> {
    loop {
        let left = deadline.map_or(u64::MAX, |at| at.monotonic().saturating_sub(time::now()));
        match sig::take_within(expected, left.min(LOOK_AGAIN)) {
            Ok(info) if info.si_signo == TOLD && waiter.parker.is_fired() => return None,
            // Another process may send it.
            Ok(info) if info.si_signo == TOLD => {}
            Ok(info) => {
                t.signals.inbox.add(&info, false);
                return Some(Wake::Interrupted);
            }
            Err(Errno::AGAIN) if waiter.unheard.0.swap(false, Ordering::SeqCst) => return None,
            Err(Errno::AGAIN) if left <= LOOK_AGAIN => return Some(Wake::TimedOut),
            Err(Errno::AGAIN) => {}
            Err(_) => return Some(Wake::Interrupted),
        }
    }
}

/// Wakes a listener, whose parker the caller has fired. Async-signal-safe.
pub(super) fn tell(t: &Thread) {
    // SAFETY: all-zero is a valid siginfo.
    let mut info: libc::siginfo_t = unsafe { core::mem::zeroed() };
    info.si_signo = TOLD;
    info.si_code = libc::SI_QUEUE;
    if sig::queue(t.tid(), &info).is_err() {
        t.waiter.unheard.0.store(true, Ordering::SeqCst);
    }
}
