//! The waiters of one descriptor and the edges that nobody has used, who is in an operation on it and where they go when
//! it is closed: what happens under a slot's lock; and the gate and the claim beside it.
//!
//! Nothing here knows a descriptor or a thread: `slots` has the lock and the table, `tests/model/edges.rs`
//! the proof that no edge is lost. A waiter has tried and failed before it links.

use crate::atomic::modelled::{AtomicU32, Ordering};
use core::ptr::null_mut;

/// What an edge ends the wait of.
pub trait Sleeper {
    /// Whether this call was the one that ended it.
    fn wake(&self) -> bool;
}

/// One sleeper's place at one descriptor, in the sleeper's own memory.
pub struct Entry<S> {
    next: *mut Entry<S>,
    prev: *mut Entry<S>,
    sleeper: *const S,
    interest: u8,
    /// Woken one at a time per direction; poll's waiters are all woken.
    exclusive: bool,
    place: Place,
}

/// Where an entry is, or why it no longer is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Never linked, or unlinked by its own thread.
    Nowhere,
    Linked,
    /// An edge unlinked it.
    Edge,
    /// It was unlinked to look for itself, though no edge is known of.
    Nudged,
    /// The number was closed.
    Closed,
}

impl<S> Entry<S> {
    pub fn new(sleeper: *const S, interest: u8, exclusive: bool) -> Entry<S> {
        Entry { next: null_mut(), prev: null_mut(), sleeper, interest, exclusive, place: Place::Nowhere }
    }

    pub fn interest(&self) -> u8 {
        self.interest
    }
}

pub struct Edges<S> {
    head: *mut Entry<S>,
    tail: *mut Entry<S>,
    /// Directions whose edge nobody has used.
    ready: u8,
}

// SAFETY: entries are live while linked and only reached under the lock that this is behind.
unsafe impl<S> Send for Edges<S> {}

impl<S: Sleeper> Edges<S> {
    pub const fn new() -> Edges<S> {
        Edges { head: null_mut(), tail: null_mut(), ready: 0 }
    }

    /// The address of the first entry, perhaps of one that has gone: asked without the lock, good for a prefetch only.
    ///
    /// # Safety
    /// `edges` are alive.
    pub unsafe fn first_hint(edges: *const Edges<S>) -> usize {
        // SAFETY: an aligned word of the caller's edges; volatile, because who holds the lock may be writing it.
        unsafe { (&raw const (*edges).head).read_volatile() as usize }
    }

    pub fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    /// Forgets unused edges: they were another description's.
    pub fn forget(&mut self) {
        self.ready = 0;
    }

    /// Links an entry, unless an edge has been left for it: then that is used up and false returned.
    ///
    /// # Safety
    /// The entry is in no list and stays in place, alive, until [`Edges::unlink`].
    pub unsafe fn link(&mut self, entry: *mut Entry<S>) -> bool {
        // SAFETY: the caller's entry is live and unlinked; the tail is live.
        unsafe {
            let hit = self.ready & (*entry).interest;
            if hit != 0 {
                self.ready &= !hit;
                return false;
            }
            (*entry).prev = self.tail;
            (*entry).next = null_mut();
            (*entry).place = Place::Linked;
            if self.tail.is_null() { self.head = entry } else { (*self.tail).next = entry }
        }
        self.tail = entry;
        true
    }

    /// Unlinks an entry if it still is linked; where it was found. No waker touches it afterwards.
    ///
    /// # Safety
    /// The entry was given to [`Edges::link`] of this list.
    pub unsafe fn unlink(&mut self, entry: *mut Entry<S>) -> Place {
        // SAFETY: linked neighbours are live.
        unsafe {
            let found = (*entry).place;
            if found != Place::Linked {
                return found;
            }
            let (prev, next) = ((*entry).prev, (*entry).next);
            if prev.is_null() {
                self.head = next
            } else {
                (*prev).next = next
            }
            if next.is_null() {
                self.tail = prev
            } else {
                (*next).prev = prev
            }
            (*entry).place = Place::Nowhere;
            found
        }
    }

    /// The number is being closed: ends every wait.
    pub fn disband(&mut self) {
        while !self.head.is_null() {
            let entry = self.head;
            // SAFETY: linked entries and their sleepers are live while the lock is held.
            unsafe {
                self.unlink(entry);
                (*entry).place = Place::Closed;
                (*(*entry).sleeper).wake();
            }
        }
    }

    /// An edge in `bits` that a poller used up and had no use for: one exclusive waiter per direction gets it, or it is
    /// left for one. Pollers do not: the one that gives it back is linked again, and has looked.
    pub fn give_back(&mut self, bits: u8) {
        self.hand_out(bits, Place::Edge, |exclusive, is_open| exclusive && is_open);
    }

    /// An edge in `bits`: wakes every poller and one exclusive waiter per direction (or everybody), and
    /// leaves the bit where no exclusive waiter took it. How many were woken.
    pub fn deliver(&mut self, bits: u8, everybody: bool) -> usize {
        self.hand_out(bits, Place::Edge, |exclusive, is_open| everybody || !exclusive || is_open)
    }

    /// As an edge in `bits` that nobody has told of: there may have been one.
    pub fn nudge(&mut self, bits: u8) {
        self.hand_out(bits, Place::Nudged, |exclusive, is_open| !exclusive || is_open);
    }

    /// Wakes those whom `bits` concern and `is_meant` lets through: asked with whether the waiter is exclusive, and whether
    /// a direction that it waits for is open, not taken by another exclusive one. What stays open is left.
    fn hand_out(&mut self, bits: u8, place: Place, is_meant: impl Fn(bool, bool) -> bool) -> usize {
        let mut open = bits;
        let mut woken = 0;
        let mut at = self.head;
        while !at.is_null() {
            let entry = at;
            // SAFETY: linked entries and their sleepers are live while the lock is held.
            unsafe {
                at = (*entry).next;
                let hit = (*entry).interest & bits;
                let exclusive = (*entry).exclusive;
                if hit == 0 || !is_meant(exclusive, hit & open != 0) {
                    continue;
                }
                let sleeper = (*entry).sleeper;
                self.unlink(entry);
                (*entry).place = place;
                // One whose wait has ended otherwise does not use the edge.
                if (*sleeper).wake() {
                    woken += 1;
                    if exclusive {
                        open &= !hit;
                    }
                }
            }
        }
        self.ready |= open;
        woken
    }
}

impl<S: Sleeper> Default for Edges<S> {
    fn default() -> Edges<S> {
        Edges::new()
    }
}

/// Who is in an operation on a number, in the life that it has now: a life ends when the number is closed or made anew.
///
/// Linux's blocked calls hold the description. Here a user of the number enters before it first waits, and leaves when the
/// operation ends; whoever closes the number moves the users to a duplicate of the description ([`Moved`]). A user looks at
/// the life before each try, and a close waits for tries that have begun, so that no try meets the number's next file.
#[derive(Debug, Default)]
pub struct Holds {
    life: u32,
    users: u32,
    trying: u16,
}

impl Holds {
    pub const fn new() -> Holds {
        Holds { life: 0, users: 0, trying: 0 }
    }

    pub fn life(&self) -> u32 {
        self.life
    }

    pub fn users(&self) -> u32 {
        self.users
    }

    /// One more user. The life must be the present one.
    pub fn enter(&mut self) {
        self.users += 1;
    }

    /// Begins a try of a user that entered in `life`, unless the life has ended.
    pub fn begin_try(&mut self, life: u32) -> bool {
        let same = self.life == life;
        self.trying += u16::from(same);
        same
    }

    pub fn end_try(&mut self) {
        self.trying -= 1;
    }

    pub fn is_tried(&self) -> bool {
        self.trying != 0
    }

    /// A user that entered in `life` leaves; false when it was moved and is to be looked for there.
    pub fn leave(&mut self, life: u32) -> bool {
        let same = self.life == life;
        self.users -= u32::from(same);
        same
    }

    /// Ends the life; how many users it had.
    pub fn end_life(&mut self) -> u32 {
        self.life = self.life.wrapping_add(1);
        core::mem::take(&mut self.users)
    }
}

/// The users of one life of one number, and the duplicate that they went to.
#[derive(Debug)]
struct Move {
    from: i32,
    life: u32,
    to: i32,
    users: u32,
}

/// Where the users of closed numbers are.
#[derive(Debug, Default)]
pub struct Moved(Vec<Move>);

impl Moved {
    pub const fn new() -> Moved {
        Moved(Vec::new())
    }

    pub fn add(&mut self, from: i32, life: u32, to: i32, users: u32) {
        self.0.push(Move { from, life, to, users });
    }

    /// The number at which the users of `from`, in that life, go on.
    pub fn find(&self, from: i32, life: u32) -> Option<i32> {
        self.0.iter().find(|m| m.from == from && m.life == life).map(|m| m.to)
    }

    /// One user leaves: when it was the last, the number that nobody uses any more.
    pub fn leave(&mut self, from: i32, life: u32) -> Option<i32> {
        let at = self.0.iter().position(|m| m.from == from && m.life == life)?;
        self.0[at].users -= 1;
        (self.0[at].users == 0).then(|| self.0.swap_remove(at).to)
    }

    /// The duplicates.
    pub fn numbers(&self) -> impl Iterator<Item = i32> + '_ {
        self.0.iter().map(|m| m.to)
    }
}

/// First tries of calls that may do a part, and a close of the number, which let each other pass.
///
/// Such a call must have its file before it begins, or the rest of it is lost with the number. So it counts itself in one step,
/// which tells it whether a close is on its way; the close shuts the gate in the same word, waits for the tries that it finds
/// there, and each of those that has more to do is a user ([`Holds`]) by the time it leaves. The gate opens where the life ends
/// that the close found, under the slot's lock: not at the end of a close that the number's next file has overtaken.
#[derive(Debug)]
pub struct Gate(AtomicU32);

const SHUT: u32 = 1 << 31;

impl Gate {
    pub fn new() -> Gate {
        Gate(AtomicU32::new(0))
    }

    /// A try begins; false while the number is being closed. [`Gate::leave`] follows in either case.
    #[inline]
    pub fn enter(&self) -> bool {
        self.0.fetch_add(1, Ordering::AcqRel) & SHUT == 0
    }

    #[inline]
    pub fn leave(&self) {
        self.0.fetch_sub(1, Ordering::Release);
    }

    /// A close begins: no try does until [`Gate::open`]. Whether there are some under way.
    pub fn shut(&self) -> bool {
        self.0.fetch_or(SHUT, Ordering::AcqRel) & !SHUT != 0
    }

    pub fn open(&self) {
        if self.is_shut() {
            self.0.fetch_and(!SHUT, Ordering::Release);
        }
    }

    pub fn is_tried(&self) -> bool {
        self.0.load(Ordering::Acquire) & !SHUT != 0
    }

    pub fn is_shut(&self) -> bool {
        self.0.load(Ordering::Acquire) & SHUT != 0
    }

    /// Forgets whom a forked child's parent had here.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl Default for Gate {
    fn default() -> Gate {
        Gate::new()
    }
}

const UNCLAIMED: u32 = 0;
const CLAIMED: u32 = 1;
const WANTED: u32 = 2;

/// CLAIMED while one thread is between its look and its call; WANTED when another was turned away.
#[derive(Debug)]
pub struct Claim(AtomicU32);

impl Claim {
    pub fn new() -> Claim {
        Claim(AtomicU32::new(UNCLAIMED))
    }

    /// Claims for one thread; when that fails the claimer is told that it is wanted.
    pub fn claim(&self) -> bool {
        if self.0.compare_exchange(UNCLAIMED, CLAIMED, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            return true;
        }
        self.0.swap(WANTED, Ordering::AcqRel) == UNCLAIMED
    }

    /// Ends a claim; whether somebody was turned away meanwhile.
    pub fn release(&self) -> bool {
        self.0.swap(UNCLAIMED, Ordering::AcqRel) == WANTED
    }

    /// Forgets the claimer: a thread of a forked child's parent.
    pub fn reset(&self) {
        self.0.store(UNCLAIMED, Ordering::Relaxed);
    }
}

impl Default for Claim {
    fn default() -> Claim {
        Claim::new()
    }
}
