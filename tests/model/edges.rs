//! Readiness: an edge between a try and the link is not lost, and one edge serves all whom it can serve.
//!
//! Mirrors `ops::ready::until_ready` and `reactor::{wait, alone, Turn}` around `Edges` and `Claim`. The kernel is a count of
//! bytes, or of connections, and an edge when it grows.

use crate::explore;
use crate::sleeper::Sleeper;
use greenlet_engine::park::Wake;
use greenlet_engine::reactor::edges::{Claim, Edges, Entry};
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;
use std::sync::Arc;

const READ: u8 = 1;

/// What is left out of the protocol.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    /// An edge that meets no waiter leaves nothing.
    NoBit,
    /// Whoever was woken keeps the turn.
    KeepsTheTurn,
    /// A poller that used the bit up keeps it to itself.
    PollerKeepsTheTurn,
    /// A poller that has no use for an edge that it used up drops it.
    PollerDropsTheTurn,
    /// An interrupted reader that used the bit up keeps it to itself.
    InterruptedKeepsTheTurn,
    /// A claimer that was turned away is not told when the claim ends.
    ForgetsWhoWasTurnedAway,
}

struct Slot {
    flaw: Flaw,
    edges: Mutex<Edges<Sleeper>>,
    claim: Claim,
    bytes: AtomicU32,
    hung_up: AtomicU32,
}

impl Slot {
    fn new(flaw: Flaw) -> Arc<Slot> {
        Arc::new(Slot {
            flaw,
            edges: Mutex::new(Edges::new()),
            claim: Claim::new(),
            bytes: AtomicU32::new(0),
            hung_up: AtomicU32::new(0),
        })
    }

    fn deliver(&self) {
        self.edges.lock().unwrap().deliver(READ, false);
    }

    /// The peer writes, and the poller reports one edge.
    fn arrive(&self, bytes: u32) {
        self.bytes.fetch_add(bytes, Ordering::Release);
        self.deliver();
    }

    /// A read of one byte that does not block.
    fn try_read(&self) -> bool {
        let mut n = self.bytes.load(Ordering::Acquire);
        while n != 0 {
            match self.bytes.compare_exchange(n, n - 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(now) => n = now,
            }
        }
        false
    }

    /// Mirrors `reactor::wait` and, with one descriptor, `wait_many`: why it ended, and whether a turn goes with it.
    fn wait(&self, sleeper: &Sleeper, exclusive: bool) -> (Wake, bool) {
        let mut entry = Entry::new(sleeper, READ, exclusive);
        let entry = &raw mut entry;
        sleeper.parker.arm();
        let linked = {
            let mut edges = self.edges.lock().unwrap();
            if self.flaw == Flaw::NoBit {
                edges.forget();
            }
            // SAFETY: the entry stays in this frame until it is unlinked below.
            unsafe { edges.link(entry) }
        };
        if !linked {
            let why = sleeper.parker.disarm().unwrap_or(Wake::Ready);
            return (why, why == Wake::Ready || self.flaw != Flaw::InterruptedKeepsTheTurn);
        }
        let why = sleeper.sleep();
        // SAFETY: as above.
        unsafe { self.edges.lock().unwrap().unlink(entry) };
        (why, exclusive && why == Wake::Ready)
    }

    fn pass(&self, turn: bool) {
        if turn && self.flaw != Flaw::KeepsTheTurn {
            self.deliver();
        }
    }

    /// Mirrors `ops::ready::until_ready`. A wait that ends for another reason than readiness ends the call.
    fn until_ready(&self, sleeper: &Sleeper, attempt: impl Fn() -> bool) -> bool {
        let mut turn = false;
        while !attempt() {
            let (why, more) = self.wait(sleeper, true);
            turn |= more;
            if why != Wake::Ready {
                self.pass(turn);
                return false;
            }
        }
        self.pass(turn);
        true
    }

    fn read(&self) {
        self.until_ready(&Sleeper::new(), || self.try_read());
    }

    /// Mirrors `ops::readiness::until_found`: poll, which takes nothing.
    fn poll(&self) {
        let sleeper = Sleeper::new();
        let mut turn = false;
        while self.bytes.load(Ordering::Acquire) == 0 {
            turn |= self.wait(&sleeper, false).1;
        }
        self.pass(turn && self.flaw != Flaw::PollerKeepsTheTurn);
    }

    /// The same, interested in the peer's hanging up only: an edge of data is none of its business.
    fn poll_for_hang_up(&self) {
        let sleeper = Sleeper::new();
        let mut turn = false;
        while self.hung_up.load(Ordering::Acquire) == 0 {
            let back = turn && self.flaw != Flaw::PollerDropsTheTurn;
            turn = self.wait_and_give_back(&sleeper, back);
        }
        self.pass(turn);
    }

    /// Mirrors `reactor::wait_many` with one descriptor: gives an edge back once it is linked.
    fn wait_and_give_back(&self, sleeper: &Sleeper, back: bool) -> bool {
        let mut entry = Entry::new(sleeper, READ, false);
        let entry = &raw mut entry;
        sleeper.parker.arm();
        // SAFETY: the entry stays in this frame until it is unlinked below.
        if !unsafe { self.edges.lock().unwrap().link(entry) } {
            sleeper.parker.disarm();
            return true;
        }
        if back {
            self.edges.lock().unwrap().give_back(READ);
        }
        sleeper.sleep();
        // SAFETY: as above.
        unsafe { self.edges.lock().unwrap().unlink(entry) };
        false
    }

    /// Mirrors `reactor::alone` around accept, which would block if two came through.
    fn accept(&self) {
        self.until_ready(&Sleeper::new(), || {
            if !self.claim.claim() {
                return false;
            }
            let accepted = self.try_read();
            if self.claim.release() && self.flaw != Flaw::ForgetsWhoWasTurnedAway {
                self.deliver();
            }
            accepted
        });
    }
}

fn beside(slot: &Arc<Slot>, what: fn(&Slot)) -> thread::JoinHandle<()> {
    let slot = slot.clone();
    thread::spawn(move || what(&slot))
}

fn one_reader(flaw: Flaw) {
    let slot = Slot::new(flaw);
    let reader = beside(&slot, Slot::read);
    slot.arrive(1);
    reader.join().unwrap();
}

#[test]
fn an_edge_between_the_try_and_the_link_is_not_lost() {
    explore(5, || one_reader(Flaw::None));
}

#[test]
#[should_panic(expected = "deadlock")]
fn without_the_bit_an_edge_is_lost() {
    explore(5, || one_reader(Flaw::NoBit));
}

fn two(flaw: Flaw, first: fn(&Slot), second: fn(&Slot), bytes: u32) {
    let slot = Slot::new(flaw);
    let first = beside(&slot, first);
    let second = beside(&slot, second);
    slot.arrive(bytes);
    first.join().unwrap();
    second.join().unwrap();
}

#[test]
fn one_edge_serves_two_readers() {
    explore(2, || two(Flaw::None, Slot::read, Slot::read, 2));
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_reader_that_keeps_the_turn_strands_the_other() {
    explore(2, || two(Flaw::KeepsTheTurn, Slot::read, Slot::read, 2));
}

#[test]
fn one_edge_serves_two_pollers() {
    explore(2, || two(Flaw::None, Slot::poll, Slot::poll, 1));
}

/// The poller needs a byte that the reader does not take.
#[test]
fn one_edge_serves_a_poller_and_a_reader() {
    explore(2, || two(Flaw::None, Slot::poll, Slot::read, 2));
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_poller_that_keeps_the_bit_strands_the_reader() {
    explore(2, || two(Flaw::PollerKeepsTheTurn, Slot::poll, Slot::read, 2));
}

#[test]
fn two_accept_in_turn() {
    explore(2, || two(Flaw::None, Slot::accept, Slot::accept, 2));
}

/// With one connection there and one coming, the edge may find both between their tries.
#[test]
#[should_panic(expected = "deadlock")]
fn an_accept_that_is_turned_away_must_be_told() {
    explore(2, || {
        let slot = Slot::new(Flaw::ForgetsWhoWasTurnedAway);
        slot.bytes.store(2, Ordering::Release);
        let other = beside(&slot, Slot::accept);
        slot.accept();
        other.join().unwrap();
    });
}

#[test]
fn an_accept_that_is_turned_away_is_told() {
    explore(4, || {
        let slot = Slot::new(Flaw::None);
        slot.bytes.store(2, Ordering::Release);
        let other = beside(&slot, Slot::accept);
        slot.accept();
        other.join().unwrap();
    });
}

/// One of two readers is interrupted at any moment and does not go back to wait: the other gets the byte.
fn interrupted(flaw: Flaw) {
    let slot = Slot::new(flaw);
    let sleeper = Arc::new(Sleeper::new());
    let reader = {
        let (slot, sleeper) = (slot.clone(), sleeper.clone());
        thread::spawn(move || slot.until_ready(&sleeper, || slot.try_read()))
    };
    let other = beside(&slot, Slot::read);
    let signal = thread::spawn(move || sleeper.wake(Wake::Interrupted));
    slot.arrive(1);
    if !signal.join().unwrap() {
        // It did not meet a wait: both readers want a byte.
        slot.arrive(1);
    }
    reader.join().unwrap();
    other.join().unwrap();
}

#[test]
fn an_interrupted_reader_leaves_the_edge_to_the_other() {
    explore(2, || interrupted(Flaw::None));
}

#[test]
#[should_panic(expected = "deadlock")]
fn an_interrupted_reader_that_keeps_the_bit_strands_the_other() {
    explore(2, || interrupted(Flaw::InterruptedKeepsTheTurn));
}

/// One descriptor, a reader and a poller that waits for something else: the reader gets the edge of the data.
fn reader_beside_a_narrow_poller(flaw: Flaw) {
    let slot = Slot::new(flaw);
    let reader = beside(&slot, Slot::read);
    let poller = beside(&slot, Slot::poll_for_hang_up);
    slot.arrive(1);
    reader.join().unwrap();
    slot.hung_up.store(1, Ordering::Release);
    slot.edges.lock().unwrap().deliver(READ, true);
    poller.join().unwrap();
}

#[test]
fn a_poller_gives_back_what_it_has_no_use_for() {
    explore(3, || reader_beside_a_narrow_poller(Flaw::None));
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_poller_that_drops_a_turn_strands_the_reader() {
    explore(3, || reader_beside_a_narrow_poller(Flaw::PollerDropsTheTurn));
}
