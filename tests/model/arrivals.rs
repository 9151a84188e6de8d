//! Signals that wait: a note that nobody has taken has its bit, once its sender is done, and no note is taken twice.
//!
//! Mirrors `signal::inbox::Inbox::{add, take_where}` around `Arrivals`; the sorted list is a vector under loom's lock.

use crate::explore;
use greenlet_engine::signal::arrivals::{Arrivals, Linked};
use loom::cell::UnsafeCell;
use loom::sync::Mutex;
use loom::thread;
use std::sync::Arc;

const BIT: u64 = 1;

struct Note {
    next: UnsafeCell<*mut Note>,
}

impl Linked for Note {
    unsafe fn set_next(this: *mut Note, next: *mut Note) {
        // SAFETY: the note is the caller's alone.
        unsafe { (*this).next.with_mut(|n| *n = next) };
    }
}

struct Inbox {
    arrivals: Arrivals<Note>,
    sorted: Mutex<Vec<*mut Note>>,
}

// SAFETY: a note is reached by its sender, then by whoever took the chain, then under the lock.
unsafe impl Send for Inbox {}
// SAFETY: as above.
unsafe impl Sync for Inbox {}

impl Inbox {
    fn new() -> Arc<Inbox> {
        Arc::new(Inbox { arrivals: Arrivals::new(), sorted: Mutex::new(Vec::new()) })
    }

    /// Whether a note was made: a standard signal merges.
    fn add(&self, merges: bool) -> bool {
        if merges && !self.arrivals.claim(BIT) {
            return false;
        }
        let note = Box::into_raw(Box::new(Note { next: UnsafeCell::new(std::ptr::null_mut()) }));
        // SAFETY: a note of our own, freed by whoever takes it.
        unsafe { self.arrivals.push(note, BIT) };
        true
    }

    fn sort(&self, list: &mut Vec<*mut Note>) -> u64 {
        let mut at = self.arrivals.take();
        let mut chain = Vec::new();
        while !at.is_null() {
            chain.push(at);
            // SAFETY: the chain is ours now.
            at = unsafe { (*at).next.with(|n| *n) };
        }
        list.extend(chain.into_iter().rev());
        if list.is_empty() { 0 } else { BIT }
    }

    fn take(&self, merges: bool, settles_once: bool) -> bool {
        if self.arrivals.pending() & BIT == 0 {
            return false;
        }
        let mut list = self.sorted.lock().unwrap();
        self.sort(&mut list);
        let found = !list.is_empty();
        if found {
            // SAFETY: made by `add`, and out of every list.
            drop(unsafe { Box::from_raw(list.remove(0)) });
            if merges {
                self.arrivals.unclaim(BIT);
            }
        }
        let mut looks = 0;
        self.arrivals.settle(BIT, || {
            looks += 1;
            if looks > 1 && settles_once { 0 } else { self.sort(&mut list) }
        });
        found
    }

    fn drain(&self, merges: bool) -> usize {
        let mut taken = 0;
        while self.take(merges, false) {
            taken += 1;
        }
        taken
    }
}

/// Two senders and a taker; afterwards what is left must be found.
fn scene(merges: bool, settles_once: bool) {
    let inbox = Inbox::new();
    let senders: Vec<_> = (0..2)
        .map(|_| {
            let inbox = inbox.clone();
            thread::spawn(move || inbox.add(merges) as usize)
        })
        .collect();
    let early = inbox.take(merges, settles_once) as usize + inbox.take(merges, settles_once) as usize;
    let sent: usize = senders.into_iter().map(|s| s.join().unwrap()).sum();
    let late = inbox.drain(merges);
    assert_eq!(early + late, sent, "a signal was lost, or came twice");
    assert_eq!(inbox.arrivals.pending(), 0, "a bit without a note stays");
    assert!(inbox.add(merges), "a new signal must make a note");
    inbox.drain(merges);
}

#[test]
fn queued_signals_are_all_taken_once() {
    explore(3, || scene(false, false));
}

#[test]
fn merged_signals_are_taken_as_often_as_they_made_a_note() {
    explore(3, || scene(true, false));
}

#[test]
#[should_panic(expected = "a signal was lost")]
fn without_the_second_look_a_signal_is_lost() {
    explore(3, || scene(false, true));
}

/// Two takers, as when a router takes back what a thread takes itself.
#[test]
fn two_takers_share() {
    explore(3, || {
        let inbox = Inbox::new();
        assert!(inbox.add(false));
        let other = inbox.clone();
        let taker = thread::spawn(move || other.take(false, false) as usize);
        assert!(inbox.add(false));
        let mine = inbox.take(false, false) as usize;
        let taken = mine + taker.join().unwrap() + inbox.drain(false);
        assert_eq!(taken, 2, "a signal was lost, or came twice");
    });
}
