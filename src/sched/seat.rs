//! A worker's seat: its permit, and the word that says whether others may take it.
//!
//! | state   | meaning                                   | the permit may be taken by          |
//! |---------|-------------------------------------------|-------------------------------------|
//! | LOOP    | the worker is in its loop                 | the pool, if it lists the worker    |
//! | RUNNING | a green thread runs                       | whoever changes the word to LOST    |
//! | LOST    | somebody did; the permit goes, or is gone | nobody else                         |
//!
//! A tick above the state tells one run from another, so that the monitor takes the permit from the very run
//! it found stuck. Between LOST and the permit's going the taker has two instructions to do: [`Seat::stop`]
//! waits for them. A worker that did not would find its permit still there, begin the next run with it, and
//! lose it in the middle, to run beside the permit's new holder (`tests/model/seat.rs` shows it).
//!
//! Rejected: the permit's address in the word itself, which would need no waiting: it leaves no room for the tick.

use crate::atomic::modelled::{AtomicPtr, AtomicU32, Ordering};
use core::ptr::null_mut;

const LOOP: u32 = 0;
const RUNNING: u32 = 1;
const LOST: u32 = 2;
const STATE_BITS: u32 = 2;

/// Ticks wrap above this.
pub const TICK_MASK: u32 = u32::MAX >> STATE_BITS;

const fn word(tick: u32, state: u32) -> u32 {
    (tick << STATE_BITS) | state
}

#[derive(Debug)]
pub struct Seat<P> {
    permit: AtomicPtr<P>,
    status: AtomicU32,
}

impl<P> Seat<P> {
    pub fn new() -> Seat<P> {
        Seat { permit: AtomicPtr::new(null_mut()), status: AtomicU32::new(LOOP) }
    }

    /// The permit, null for none. While a thread runs it may go at any moment.
    #[inline]
    pub fn permit(&self) -> *mut P {
        self.permit.load(Ordering::SeqCst)
    }

    /// Gives the worker a permit that the caller owns. The worker has none.
    pub fn give(&self, p: *mut P) {
        self.permit.store(p, Ordering::SeqCst);
    }

    /// The worker, whose kernel thread has ended without a permit, begins anew.
    pub fn reset(&self) {
        self.status.store(LOOP, Ordering::Relaxed);
    }

    /// Takes the permit from a worker in its loop: itself, or one that the pool lists, under the pool's lock.
    pub fn take(&self) -> *mut P {
        self.permit.swap(null_mut(), Ordering::SeqCst)
    }

    /// A thread begins or goes on to run: the permit may be taken from now on.
    #[inline]
    pub fn run(&self, tick: u32) {
        self.status.store(word(tick, RUNNING), Ordering::Release);
    }

    /// The run of `tick` has ended: whether the permit is still there. If not, it has really gone; `pause` is
    /// called until it has.
    #[inline]
    pub fn stop(&self, tick: u32, pause: impl Fn()) -> bool {
        let kept = self.keep(tick);
        if !kept {
            self.wait_until_taken(pause);
        }
        kept
    }

    /// Ends the run with the permit, unless it is lost: then it may be there for a moment still.
    #[inline]
    pub fn keep(&self, tick: u32) -> bool {
        self.status.compare_exchange(word(tick, RUNNING), LOOP, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn wait_until_taken(&self, pause: impl Fn()) {
        while !self.permit().is_null() {
            pause();
        }
        self.status.store(LOOP, Ordering::Release);
    }

    /// Takes the permit from the run of `tick`, on behalf of others or of the thread that runs; null when that
    /// run is over, or has lost it already.
    pub fn lose(&self, tick: u32) -> *mut P {
        match self.status.compare_exchange(word(tick, RUNNING), word(tick, LOST), Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => self.take(),
            Err(_) => null_mut(),
        }
    }

    /// The tick of the run that goes on without its permit.
    pub fn lost(&self) -> Option<u32> {
        let status = self.status.load(Ordering::Relaxed);
        (status & !(u32::MAX << STATE_BITS) == LOST).then_some(status >> STATE_BITS)
    }
}

impl<P> Default for Seat<P> {
    fn default() -> Seat<P> {
        Seat::new()
    }
}
