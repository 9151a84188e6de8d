//! What a poller waits for: several descriptors at once, each held from the first wait to the end of the call.
//!
//! Linux's poll and select look at their *numbers* whenever they wake, and are woken by the *files* that the numbers named
//! when they began to wait. So a number that is closed meanwhile ends no wait; what happens to its file does, and then the
//! look finds the number closed. Here the files are held ([`Hold`]), also while the poller is awake, and once one of them has
//! lost its number a wake that Linux would not have had (the reactor's second look, an edge that was left) must not lead to a
//! look: it would tell of the close too early.

use super::edges::Place;
use super::slots::{Link, Node};
use super::{GENERATION, Hold, Interest, Outcome, Turn, is_linked, life};
use crate::atomic::Ordering;
use crate::errno::Errno;
use crate::park::Wake;
use crate::signal;
use crate::sys::fd as sysfd;
use crate::thread::{
    self,
    wait::{self, Wait},
};
use core::ptr::null;

/// One descriptor of a poller's, and what it asks of it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub fd: i32,
    pub interest: Interest,
    /// As in a `pollfd`.
    pub events: i16,
}

struct Watch {
    hold: Hold,
    node: Node,
    wanted: Wanted,
    /// What has ended the last wait, or kept it from beginning, stands for something that Linux would have woken for.
    is_genuine: bool,
}

impl Watch {
    fn new(hold: Hold, wanted: Wanted) -> Watch {
        let node = hold.node(null(), wanted.interest, false);
        Watch { hold, node, wanted, is_genuine: false }
    }

    /// Where the node was found after a wait. Data and room wake whoever asks for either, urgent data included; who asks for
    /// an end only is not woken by them.
    fn note(&mut self, place: Place) {
        const READS: i16 = libc::POLLIN | libc::POLLPRI | libc::POLLRDNORM | libc::POLLRDBAND;
        const PLAIN: i16 = READS | libc::POLLOUT | libc::POLLWRNORM | libc::POLLWRBAND;
        self.is_genuine = place == Place::Edge && self.wanted.events & PLAIN != 0;
    }
}

/// A poller's descriptors. It counts as inside the runtime while it holds any.
#[derive(Default)]
pub struct Watches {
    watches: Vec<Watch>,
    /// Numbers without a file that the poller's own look did not mind.
    ignored: Vec<i32>,
}

impl Watches {
    /// Holds nothing yet.
    pub const fn new() -> Watches {
        Watches { watches: Vec::new(), ignored: Vec::new() }
    }

    /// Whether the poller has begun to wait.
    pub fn are_held(&self) -> bool {
        !self.watches.is_empty()
    }

    /// Tries with the number that names the file of the only descriptor, or once named it.
    pub fn attempt<R>(&mut self, fd: i32, attempt: impl Fn(i32) -> R) -> R {
        let Some(watch) = self.watches.first_mut() else { return attempt(fd) };
        let done = watch.hold.attempt(&attempt);
        watch.hold.end_try();
        done.unwrap_or_else(|| attempt(fd))
    }

    /// Waits until any of the descriptors may be ready; the caller has looked and found nothing. An edge that had been left
    /// ends the wait before it begins: its turn goes to `turns`, and the caller looks. If it finds something ready, or does
    /// not look again, it passes them on; if not, it comes back with them, and they go to those who may have a use for them
    /// once this thread is linked.
    ///
    /// [`Outcome::Moved`]: wait again, and do not look.
    pub fn wait(&mut self, wanted: &mut dyn Iterator<Item = Wanted>, how: &Wait, turns: &mut Vec<Turn>) -> Outcome {
        if self.watches.is_empty()
            && let Err(outcome) = self.hold_all(wanted)
        {
            self.watches.clear();
            return outcome;
        }
        let (mut linked, mut must_look, mut is_pollable) = (0, false, true);
        let why = wait::with_waiter(|waiter| {
            waiter.parker.arm();
            let generation = GENERATION.load(Ordering::Relaxed);
            for watch in &mut self.watches {
                watch.is_genuine = false;
                let link = loop {
                    if watch.hold.is_over() && !watch.hold.follow() {
                        // Nothing names the file any more: what the number names counts.
                        watch.hold.begin_anew();
                        break None;
                    }
                    watch.node = watch.hold.node(waiter, watch.wanted.interest, false);
                    // SAFETY: the vector is not touched until every linked node is unlinked below.
                    match unsafe { watch.hold.link(&raw mut watch.node, generation) } {
                        Link::OtherLife => {}
                        Link::Unregistered => {
                            if let Err(e) = watch.hold.register()
                                && !watch.hold.is_over()
                            {
                                is_pollable = e.0 == libc::EBADF;
                                break None;
                            }
                        }
                        link => break Some(link),
                    }
                };
                match link {
                    Some(link) if is_linked(link) => linked += 1,
                    Some(_) => {
                        turns.push(watch.node.turn());
                        return waiter.parker.disarm().or(Some(Wake::Ready));
                    }
                    None => {
                        must_look = true;
                        return waiter.parker.disarm().or(Some(Wake::Ready));
                    }
                }
            }
            for turn in turns.drain(..) {
                turn.give_back();
            }
            Some(waiter.sleep(how))
        });
        let mut stirred = linked != self.watches.len();
        for watch in &mut self.watches[..linked] {
            // SAFETY: it was linked, and has not been touched since.
            let place = unsafe { watch.node.slot().unlink(&raw mut watch.node) };
            watch.note(place);
            stirred |= matches!(place, Place::Edge | Place::Nudged);
        }
        match why.unwrap_or(Wake::Ready) {
            _ if !is_pollable => Outcome::NotPollable,
            Wake::Ready if !must_look && !self.would_wake(stirred) => Outcome::Moved,
            why => {
                // Handlers are to run, and may not come back: natively the call ends here.
                if why == Wake::Interrupted && thread::current().is_some_and(signal::is_due) {
                    self.watches.clear();
                }
                Outcome::Woken(why)
            }
        }
    }

    /// Whether Linux's poller would have been woken, to look at its numbers.
    fn would_wake(&self, stirred: bool) -> bool {
        let is_closed = |watch: &Watch| watch.hold.is_moved() || watch.hold.is_over();
        if !self.watches.iter().any(is_closed) {
            return true;
        }
        let is_ready = |watch: &Watch| sysfd::poll_now(watch.hold.number(), watch.wanted.events) != 0;
        stirred && self.watches.iter().any(|watch| watch.is_genuine || !watch.hold.is_over() && is_ready(watch))
    }

    /// Registers the descriptors, which are held from their first link on.
    fn hold_all(&mut self, wanted: &mut dyn Iterator<Item = Wanted>) -> Result<(), Outcome> {
        for wanted in wanted {
            let Some(hold) = Hold::new(wanted.fd, life(wanted.fd)) else { return Err(Outcome::NotPollable) };
            match hold.register() {
                Ok(()) => self.watches.push(Watch::new(hold, wanted)),
                // A regular file is always ready: the poller's look has told, or it has not been asked for that.
                Err(Errno(libc::EPERM)) => {}
                Err(Errno(libc::EBADF)) if self.ignored.contains(&wanted.fd) => {}
                Err(Errno(libc::EBADF)) => {
                    // Closed since the look; or it is of the numbers beyond its table that select does not mind.
                    self.ignored.push(wanted.fd);
                    return Err(Outcome::Woken(Wake::Ready));
                }
                Err(_) => return Err(Outcome::NotPollable),
            }
        }
        Ok(())
    }
}
