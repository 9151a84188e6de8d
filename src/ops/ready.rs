//! The wait loop of descriptors, written once: try without blocking, wait for readiness, try again.

use super::green;
use crate::errno::{Errno, Exit};
use crate::park::Wake;
use crate::reactor::{self, FirstTry, Hold, Interest, Outcome, Pair, Side, Turn};
use crate::report::Call;
use crate::signal::{self, Interruption};
use crate::sys::{fd as sysfd, time};
use crate::thread::wait::Wait;
use crate::thread::{cancel, throw};
use crate::tls::Names;

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
    /// A try may do a part, which the rest must follow: the descriptor is held from the first try on.
    pub in_parts: bool,
    /// It waits whatever the description's mode is: the call's own flags alone tell whether it may.
    pub in_any_mode: bool,
}

impl On {
    pub const fn read(fd: i32, call: Call) -> On {
        On {
            fd,
            interest: Interest::READ,
            call,
            timeout_option: libc::SO_RCVTIMEO,
            skips_drained: false,
            in_parts: false,
            in_any_mode: false,
        }
    }

    pub const fn write(fd: i32, call: Call) -> On {
        On {
            fd,
            interest: Interest::WRITE,
            call,
            timeout_option: libc::SO_SNDTIMEO,
            skips_drained: false,
            in_parts: true,
            in_any_mode: false,
        }
    }
}

impl On {
    /// For a read that `reactor::draining` watches.
    pub const fn skipping_drained(self) -> On {
        On { skips_drained: true, ..self }
    }

    /// For a read that goes on until all of it is done.
    pub const fn in_parts(self) -> On {
        On { in_parts: true, ..self }
    }

    /// For a call of pipes that `O_NONBLOCK` does not concern.
    pub const fn in_any_mode(self) -> On {
        On { in_any_mode: true, ..self }
    }
}

/// What is known once the first try has failed: a wait can begin.
pub(super) struct Slow {
    pub how: Wait,
    /// With a socket timeout a call that a handler interrupts is never restarted (signal(7)). Nor is one that has done a part, but
    /// that is known as it goes.
    pub timed: bool,
}

/// Repeats `attempt` until it does something else than `EAGAIN`. It is given the number to use, which is another one once
/// the program has closed the descriptor; when it has done a part, and may go on, it says [`Errno::PARTLY`] or [`Errno::ANEW`].
///
/// `EAGAIN` reaches the program only where Linux would give it: the description is non-blocking, or the
/// socket's own timeout ran out.
pub fn until_ready<R>(on: On, mut attempt: impl FnMut(i32) -> Result<R, Errno>) -> Result<R, Exit> {
    if green().is_none() {
        return Err(Exit::Native);
    }
    if cancel::is_pending() {
        return Err(Exit::Cancelled);
    }
    // Only where it is known that the call may wait: a non-blocking one must look, because nobody may have
    // collected the edge that tells of new data.
    let begun = if on.skips_drained && reactor::is_drained(on.fd) && reactor::is_plain(on.fd) {
        Begun::Not(reactor::life(on.fd))
    } else {
        match first_try(on, &mut attempt) {
            Tried::Done(done) => return Ok(done?),
            Tried::Waits(begun) => begun,
        }
    };
    wait_and_retry(on, begun, &mut attempt)
}

/// What a call that has to wait has come to.
enum Begun {
    /// Nothing is done; the number's life before that was tried.
    Not(u32),
    /// A part, of what is held since.
    Partly(Hold),
}

enum Tried<R> {
    Done(Result<R, Errno>),
    Waits(Begun),
}

#[inline(always)]
fn first_try<R>(on: On, attempt: &mut (impl FnMut(i32) -> Result<R, Errno> + ?Sized)) -> Tried<R> {
    let first = if on.in_parts { FirstTry::begin(on.fd) } else { None };
    let life = first.as_ref().map_or_else(|| reactor::life(on.fd), FirstTry::life);
    match (attempt(on.fd), first) {
        (Err(Errno::AGAIN), _) => Tried::Waits(Begun::Not(life)),
        (Err(Errno::PARTLY | Errno::ANEW), Some(first)) => Tried::Waits(Begun::Partly(first.hold())),
        // Nothing can be held under this number: the rest is lost.
        (Err(Errno::PARTLY | Errno::ANEW), None) => Tried::Done(Err(Errno(libc::EBADF))),
        (done, _) => Tried::Done(done),
    }
}

/// The rest of [`until_ready`]: a frame of its own, and small, because it and those below it are what a parked thread's
/// stack holds.
#[inline(never)]
fn wait_and_retry<R>(on: On, mut begun: Begun, attempt: &mut dyn FnMut(i32) -> Result<R, Errno>) -> Result<R, Exit> {
    loop {
        signal::forget_interruption();
        let end = match begun {
            Begun::Not(life) => {
                let slow = begin(on)?;
                let Some(hold) = Hold::new(on.fd, life) else { return Err(Exit::Native) };
                in_one_life(on, hold, false, slow.timed, &slow, attempt)
            }
            Begun::Partly(mut hold) => match hold.attempt(|fd| begin(On { fd, ..on })) {
                Some(slow) => in_one_life(on, hold, true, true, &slow?, attempt),
                None => return Err(Errno(libc::EBADF).into()),
            },
        };
        if let Some(end) = end {
            return end;
        }
        // Nothing was done, and the number has got another meaning: the same call a moment later.
        begun = match first_try(on, attempt) {
            Tried::Done(done) => return Ok(done?),
            Tried::Waits(begun) => begun,
        };
    }
}

/// As [`until_ready`] for another call that is to follow, if `look` finds that it would wait: it waits until `take` does not say
/// `EAGAIN`, which makes ready what that call will find. That call comes before the turn is passed on, so the turn is the
/// caller's. `EAGAIN` as from [`until_ready`].
pub(super) fn until_taken(
    on: On, look: impl Fn() -> bool, take: impl Fn(i32) -> Result<(), Errno>,
) -> Result<Option<Turn>, Exit> {
    if cancel::is_pending() {
        return Err(Exit::Cancelled);
    }
    let life = reactor::life(on.fd);
    if look() {
        return Ok(None);
    }
    signal::forget_interruption();
    let slow = begin(on)?;
    let Some(mut hold) = Hold::new(on.fd, life) else { return Err(Exit::Native) };
    let mut turn: Option<Turn> = None;
    let end = loop {
        let (outcome, more) = hold.wait(on.interest, &slow.how);
        turn = more.or(turn);
        let Outcome::Woken(why) = outcome else { break Exit::Native };
        if let Err(exit) = verdict(why, slow.timed) {
            break exit;
        }
        match hold.attempt(&take) {
            Some(Err(Errno::AGAIN)) => {}
            Some(Ok(())) => return Ok(turn),
            Some(Err(e)) => break e.into(),
            None => break Exit::Native,
        }
    };
    pass(turn);
    Err(end)
}

/// Ends what has begun: on the description that is held, or not at all. Looks before it waits. What has begun is to wait for: a
/// handler lets the call go on, if it is one that lets calls be restarted.
pub(super) fn finish<R>(
    on: On, hold: Hold, slow: &Slow, attempt: &mut dyn FnMut(i32) -> Result<R, Errno>,
) -> Result<R, Exit> {
    in_one_life(on, hold, true, slow.timed, slow, attempt).unwrap_or(Err(Exit::Native))
}

/// Waits and tries again, on the description that is, or is to be, held. `has_begun`: something is done already, and the
/// next try need not wait. `never_restarted`: a handler ends it, as it does once a part is done. `None` when the description was not
/// held before the number got another meaning, and nothing is done.
fn in_one_life<R>(
    on: On, mut hold: Hold, mut has_begun: bool, mut never_restarted: bool, slow: &Slow,
    attempt: &mut dyn FnMut(i32) -> Result<R, Errno>,
) -> Option<Result<R, Exit>> {
    let mut turn: Option<Turn> = None;
    let mut waits = !has_begun;
    let mut how = slow.how;
    let end = loop {
        if waits {
            let (outcome, more) = hold.wait(on.interest, &how);
            turn = more.or(turn);
            match outcome {
                Outcome::Woken(why) => {
                    if let Err(exit) = verdict(why, never_restarted) {
                        break Some(Err(exit));
                    }
                }
                Outcome::NotPollable => break Some(Err(Exit::Native)),
                Outcome::OtherMeaning | Outcome::Moved => break None,
            }
        }
        match hold.attempt(&mut *attempt) {
            Some(Err(Errno::AGAIN)) => waits = true,
            Some(Err(part @ (Errno::PARTLY | Errno::ANEW))) => {
                (waits, has_begun, never_restarted) = (false, true, true);
                if slow.timed {
                    how = hold.attempt(|fd| how_to_go_on(On { fd, ..on }, part, how)).unwrap_or(how);
                }
            }
            Some(done) => break Some(done.map_err(Exit::from)),
            None => break None,
        }
    };
    pass(turn);
    // What is left cannot be done any more where it was begun.
    end.or_else(|| has_begun.then_some(Err(Errno(libc::EBADF).into())))
}

/// What one step of an operation on two descriptors has come to.
pub(super) enum Step {
    Done,
    /// Something is done, and more may be.
    Again,
    Await(Side),
}

/// Repeats `step` until it is done, on the descriptions that the pair holds, or those that the two numbers name by the first
/// step; it waits where `step` says. `has_begun`: whether something is done, so that it cannot begin anew with what the numbers
/// name by then.
pub(super) fn across(
    from: On, to: On, mut pair: Option<Pair>, step: &mut dyn FnMut(i32, i32) -> Result<Step, Errno>,
    has_begun: &dyn Fn() -> bool,
) -> Result<(), Exit> {
    let mut turns: [Option<Turn>; 2] = [None, None];
    let end = loop {
        let held = pair.take().or_else(|| {
            let [from_life, to_life] = [from.fd, to.fd].map(reactor::life);
            Pair::new((from.fd, from_life), (to.fd, to_life))
        });
        let Some(mut held) = held else { break Err(Exit::Native) };
        if let Some(end) = across_in_one_life(from, to, &mut held, &mut turns, step, has_begun) {
            break end;
        }
        if has_begun() {
            break Err(Errno(libc::EBADF).into());
        }
    };
    pass(turns.into_iter().flatten());
    end
}

/// `None` when one of the numbers has got another meaning before it was held.
fn across_in_one_life(
    from: On, to: On, pair: &mut Pair, turns: &mut [Option<Turn>; 2],
    step: &mut dyn FnMut(i32, i32) -> Result<Step, Errno>, has_begun: &dyn Fn() -> bool,
) -> Option<Result<(), Exit>> {
    loop {
        let side = match pair.attempt(&mut *step)? {
            Ok(Step::Done) => return Some(Ok(())),
            Ok(Step::Again) => continue,
            Ok(Step::Await(side)) => side,
            Err(e) => return Some(Err(e.into())),
        };
        if cancel::is_pending() {
            return Some(Err(Exit::Cancelled));
        }
        signal::forget_interruption();
        let on = if side == Side::From { from } else { to };
        let slow = match pair.attempt_one(side, |fd| begin(On { fd, ..on }))? {
            Ok(slow) => slow,
            Err(exit) => return Some(Err(exit)),
        };
        let (outcome, turn) = pair.wait(side, &slow.how);
        let kept = &mut turns[side as usize];
        *kept = turn.or(kept.take());
        match outcome {
            Outcome::Woken(why) => {
                if let Err(exit) = verdict(why, slow.timed || has_begun()) {
                    return Some(Err(exit));
                }
            }
            Outcome::NotPollable => return Some(Err(Exit::Native)),
            Outcome::OtherMeaning | Outcome::Moved => return None,
        }
    }
}

/// Hands turns, if there are any, to the next waiters.
pub(super) fn pass(turns: impl IntoIterator<Item = Turn>) {
    for turn in turns {
        turn.pass();
    }
}

/// Whether it is a local socket (AF_UNIX) also to the program: one that stands for a connection in TLS has to end as TCP's do.
pub(super) fn is_local(fd: i32) -> bool {
    sysfd::sockopt::<i32>(fd, libc::SOL_SOCKET, libc::SO_DOMAIN) == Ok(libc::AF_UNIX) && Names::read(fd).is_none()
}

#[inline]
fn begin(on: On) -> Result<Slow, Exit> {
    if on.in_any_mode || reactor::is_plain(on.fd) {
        return Ok(Slow { how: Wait::forever(on.call).cancellable().failing(), timed: false });
    }
    ask_how(on)
}

/// What the kernel says of the description.
#[inline(never)]
fn ask_how(on: On) -> Result<Slow, Exit> {
    let (life, modes) = (reactor::life(on.fd), reactor::modes());
    if sysfd::status_flags(on.fd)? & libc::O_NONBLOCK != 0 {
        return Err(Errno::AGAIN.into());
    }
    let limit = sysfd::socket_timeout(on.fd, on.timeout_option);
    if limit.is_none()
        && sysfd::socket_timeout(on.fd, libc::SO_RCVTIMEO ^ libc::SO_SNDTIMEO ^ on.timeout_option).is_none()
    {
        reactor::set_plain(on.fd, life, modes);
    }
    let how = Wait::until(on.call, limit.map(time::after)).cancellable().failing();
    Ok(Slow { how, timed: limit.is_some() })
}

/// How a call with a limit waits after a part. Linux has the limit for each message, and for each piece of a local socket's memory:
/// there it begins anew, as it is by then.
#[cold]
fn how_to_go_on(on: On, part: Errno, how: Wait) -> Wait {
    if part == Errno::ANEW || on.interest == Interest::WRITE && is_local(on.fd) {
        let limit = sysfd::socket_timeout(on.fd, on.timeout_option);
        return Wait { deadline: limit.map(|limit| time::after(limit).into()), ..how };
    }
    how
}

/// What a wake means to a call: go on, or end with EAGAIN (time), EINTR (signal), or by cancellation.
pub fn verdict(why: Wake, never_restarted: bool) -> Result<(), Exit> {
    match why {
        Wake::Ready => Ok(()),
        Wake::TimedOut => Err(Errno::AGAIN.into()),
        Wake::Cancelled if cancel::is_pending() => Err(Exit::Cancelled),
        Wake::Cancelled => Ok(()),
        Wake::Interrupted if let Some(thrown) = throw::take() => Err(thrown.into()),
        Wake::Interrupted => match signal::take_interruption() {
            // Under a p-call's mask the handlers run after the call.
            Interruption::None if never_restarted && green().is_some_and(signal::is_due) => Err(Errno::INTR.into()),
            Interruption::None => Ok(()),
            Interruption::Restart if !never_restarted => Ok(()),
            _ => Err(Errno::INTR.into()),
        },
    }
}
