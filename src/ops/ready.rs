//! The wait loop of descriptors, written once: try without blocking, wait for readiness, try again.

use super::green;
use crate::errno::{Errno, Exit};
use crate::park::Wake;
use crate::reactor::{self, Interest, Outcome, Turn};
use crate::report::Call;
use crate::signal::{self, Interruption};
use crate::sys::{fd as sysfd, time};
use crate::thread::cancel;
use crate::thread::wait::Wait;

/// A blocking operation on one descriptor.
#[derive(Clone, Copy, Debug)]
pub struct On {
    pub fd: i32,
    pub interest: Interest,
    pub call: Call,
    /// The socket option that limits the wait: SO_RCVTIMEO or SO_SNDTIMEO.
    pub timeout_option: i32,
    /// A plain read of bytes: where the descriptor is known to hold none, it is not tried first.
    pub skips_drained: bool,
}

impl On {
    pub const fn read(fd: i32, call: Call) -> On {
        On { fd, interest: Interest::READ, call, timeout_option: libc::SO_RCVTIMEO, skips_drained: false }
    }

    pub const fn write(fd: i32, call: Call) -> On {
        On { fd, interest: Interest::WRITE, call, timeout_option: libc::SO_SNDTIMEO, skips_drained: false }
    }
}

impl On {
    /// For a read that `reactor::draining` watches.
    pub const fn skipping_drained(self) -> On {
        On { skips_drained: true, ..self }
    }
}

/// What is known once the first try has failed: a wait can begin.
struct Slow {
    how: Wait,
    /// With a socket timeout a call that a handler interrupts is never restarted (signal(7)).
    timed: bool,
}

/// Repeats `attempt` until it does something else than `EAGAIN`.
///
/// `EAGAIN` reaches the program only where Linux would give it: the description is non-blocking, or the
/// socket's own timeout ran out.
pub fn until_ready<R>(on: On, mut attempt: impl FnMut() -> Result<R, Errno>) -> Result<R, Exit> {
    if green().is_none() {
        return Err(Exit::Native);
    }
    if cancel::is_pending() {
        return Err(Exit::Cancelled);
    }
    // Only where it is known that the call may wait: a non-blocking one must look, because nobody may have
    // collected the edge that tells of new data.
    if !(on.skips_drained && reactor::is_drained(on.fd) && reactor::is_plain(on.fd)) {
        match attempt() {
            Err(Errno::AGAIN) => {}
            done => return Ok(done?),
        }
    }
    wait_and_retry(on, &mut attempt)
}

/// The rest of [`until_ready`]: a frame of its own, and small, because it and those below it are what a parked thread's
/// stack holds.
#[inline(never)]
fn wait_and_retry<R>(on: On, attempt: &mut dyn FnMut() -> Result<R, Errno>) -> Result<R, Exit> {
    signal::forget_interruption();
    let slow = begin(on)?;
    let mut turn: Option<Turn> = None;
    loop {
        turn = match wait_once(on, &slow) {
            Ok(t) => t.or(turn),
            Err(exit) => {
                pass(turn);
                return Err(exit);
            }
        };
        match attempt() {
            Err(Errno::AGAIN) => {}
            done => {
                pass(turn);
                return Ok(done?);
            }
        }
    }
}

/// As [`until_ready`] for a look at what another call will then do: that call comes before the turn is passed on, so
/// the turn is the caller's. [`Exit::Native`] where the socket has a time-out, which only that call can report.
pub(super) fn until_seen(on: On, look: impl Fn() -> bool) -> Result<Option<Turn>, Exit> {
    if cancel::is_pending() {
        return Err(Exit::Cancelled);
    }
    if look() {
        return Ok(None);
    }
    signal::forget_interruption();
    let slow = begin(on)?;
    if slow.timed {
        return Err(Exit::Native);
    }
    let mut turn: Option<Turn> = None;
    loop {
        turn = match wait_once(on, &slow) {
            Ok(t) => t.or(turn),
            Err(exit) => {
                pass(turn);
                return Err(exit);
            }
        };
        if look() {
            return Ok(turn);
        }
    }
}

/// Hands turns, if there are any, to the next waiters.
pub(super) fn pass(turns: impl IntoIterator<Item = Turn>) {
    for turn in turns {
        turn.pass();
    }
}

#[inline]
fn begin(on: On) -> Result<Slow, Exit> {
    if reactor::is_plain(on.fd) {
        return Ok(Slow { how: Wait::forever(on.call).cancellable(), timed: false });
    }
    ask_how(on)
}

/// What the kernel says of the description.
#[inline(never)]
fn ask_how(on: On) -> Result<Slow, Exit> {
    let modes = reactor::modes();
    if sysfd::status_flags(on.fd)? & libc::O_NONBLOCK != 0 {
        return Err(Errno::AGAIN.into());
    }
    let limit = sysfd::socket_timeout(on.fd, on.timeout_option);
    if limit.is_none()
        && sysfd::socket_timeout(on.fd, libc::SO_RCVTIMEO ^ libc::SO_SNDTIMEO ^ on.timeout_option).is_none()
    {
        reactor::set_plain(on.fd, modes);
    }
    let how = Wait::until(on.call, limit.map(time::after)).cancellable();
    Ok(Slow { how, timed: limit.is_some() })
}

#[inline(always)]
fn wait_once(on: On, slow: &Slow) -> Result<Option<Turn>, Exit> {
    let (outcome, turn) = reactor::wait(on.fd, on.interest, &slow.how);
    match outcome {
        Outcome::NotPollable => Err(Exit::Native),
        Outcome::Woken(why) => match verdict(why, slow.timed) {
            Ok(()) => Ok(turn),
            Err(exit) => {
                pass(turn);
                Err(exit)
            }
        },
    }
}

/// What a wake means to a call: go on, or end with EAGAIN (time), EINTR (signal), or by cancellation.
pub fn verdict(why: Wake, never_restarted: bool) -> Result<(), Exit> {
    match why {
        Wake::Ready => Ok(()),
        Wake::TimedOut => Err(Errno::AGAIN.into()),
        Wake::Cancelled if cancel::is_pending() => Err(Exit::Cancelled),
        Wake::Cancelled => Ok(()),
        Wake::Interrupted => match signal::take_interruption() {
            // Under a p-call's mask the handlers run after the call.
            Interruption::None if never_restarted && green().is_some_and(signal::is_due) => Err(Errno::INTR.into()),
            Interruption::None => Ok(()),
            Interruption::Restart if !never_restarted => Ok(()),
            _ => Err(Errno::INTR.into()),
        },
    }
}
