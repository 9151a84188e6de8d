//! The slots: one per descriptor number, in chunks that appear as numbers are used and never go away.

use super::edges::{Claim, Edges, Entry, Gate, Holds, Moved, Place, Sleeper};
use super::{Interest, Turn};
use crate::arch;
use crate::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, Ordering};
use crate::park::Wake;
use crate::sys::fd as sysfd;
use crate::sys::lock::Lock;
use crate::thread::wait::Waiter;
use core::ptr::null_mut;

const CHUNK: usize = 1024;
const CHUNKS: usize = 4096;
/// epoll, its timer and notifier, our notifier, and the signals.
pub const OWN: usize = 6;

static TABLE: [AtomicPtr<Slot>; CHUNKS] = [const { AtomicPtr::new(null_mut()) }; CHUNKS];
static OWNED: [AtomicI32; OWN] = [const { AtomicI32::new(-1) }; OWN];
/// In a forked child that has its parent's table: those of the parent's library.
static OF_PARENT: [AtomicI32; OWN] = [const { AtomicI32::new(-1) }; OWN];
static ANY_OF_PARENT: AtomicBool = AtomicBool::new(false);
/// Some slot may have waiters whose registration has not been verified since they came.
static UNVERIFIED: AtomicBool = AtomicBool::new(false);

/// The users of numbers that have been closed.
static MOVED: Lock<Moved> = Lock::new(Moved::new());
/// How many duplicates there are: almost always none.
static DUPLICATES: AtomicU32 = AtomicU32::new(0);

/// One thread waiting for one descriptor.
pub struct Node {
    slot: *const Slot,
    entry: Entry<Waiter>,
}

impl Node {
    pub fn new(slot: &'static Slot, waiter: *const Waiter, interest: u8, exclusive: bool) -> Node {
        Node { slot, entry: Entry::new(waiter, interest, exclusive) }
    }

    pub fn slot(&self) -> &'static Slot {
        // SAFETY: slots are never freed.
        unsafe { &*self.slot }
    }

    /// What an edge that it used up stands for.
    pub fn turn(&self) -> Turn {
        Turn { slot: self.slot(), interest: Interest(self.entry.interest()) }
    }
}

impl Sleeper for Waiter {
    fn wake(&self) -> bool {
        Waiter::wake(self, Wake::Ready)
    }
}

/// What became of a node that was to be linked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Link {
    Linked,
    /// Linked, and the first that verification has to look at: whoever sleeps in the event source must know.
    FirstToVerify,
    /// Not linked: an edge had been left.
    UsedUp,
    /// Not linked: the description is not registered.
    Unregistered,
    /// Not linked: the number has got another meaning.
    OtherLife,
}

/// A slot's waiters are verified in two looks, so that each has waited a whole interval first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verified {
    No,
    SeenOnce,
    Yes,
}

/// What a number is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Ordinary,
    /// epoll refused it: a regular file or the like, never waited for.
    Unpollable,
    /// A duplicate of ours that keeps a closed description for those who wait for it.
    Duplicate,
}

pub struct Inner {
    pub edges: Edges<Waiter>,
    /// The reactor generation it is registered in, 0 for none.
    pub registered: u32,
    /// Its life counts how often it was forgotten: what was asked before is about another description.
    pub holds: Holds,
    pub kind: Kind,
    /// How far verification of the present waiters has come.
    verified: Verified,
}

pub struct Slot {
    pub inner: Lock<Inner>,
    /// The epoch of modes (`reactor::MODES`) in which the description was seen to be blocking and without
    /// time-outs; 0 for not known.
    pub plain: AtomicU32,
    /// Read edges so far, from 1, and how many there had been when a read last took all that was there (0: never).
    /// While the two are equal nothing can be read.
    read_edges: AtomicU32,
    drained_at: AtomicU32,
    /// A [`ShortReads`].
    short_reads: AtomicU32,
    claim: Claim,
    pub gate: Gate,
    /// The life in `inner`, to be read without the lock.
    life: AtomicU32,
}

const EMPTY: Inner =
    Inner { edges: Edges::new(), registered: 0, holds: Holds::new(), kind: Kind::Ordinary, verified: Verified::No };

/// What a number's life left when it ended.
pub struct Ended {
    /// The generation that it was registered in.
    pub registered: u32,
    /// The life that begins.
    pub life: u32,
    /// Whether its users have gone to the duplicate.
    pub moved: bool,
}

/// What a short read of a description proves (see `reactor::trust_short_reads`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum ShortReads {
    /// Nobody has asked; a second wait is a reason to.
    New,
    AskedFor,
    BeingAsked,
    /// That nothing is left.
    Empty,
    /// Nothing: it is no TCP socket, or something came that makes no edge of its own.
    Nothing,
}

impl Slot {
    fn new() -> Slot {
        Slot {
            inner: Lock::new(EMPTY),
            plain: AtomicU32::new(0),
            read_edges: AtomicU32::new(1),
            drained_at: AtomicU32::new(0),
            short_reads: AtomicU32::new(ShortReads::New as u32),
            claim: Claim::new(),
            gate: Gate::new(),
            life: AtomicU32::new(0),
        }
    }

    /// Changes what a short read proves from one state to another; false when another thread was faster.
    pub fn advance_short_reads(&self, from: ShortReads, to: ShortReads) -> bool {
        self.short_reads.compare_exchange(from as u32, to as u32, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Whether nobody has found out yet.
    pub fn short_reads_are_unknown(&self) -> bool {
        self.short_reads.load(Ordering::Relaxed) <= ShortReads::AskedFor as u32
    }

    pub fn set_short_reads(&self, to: ShortReads) {
        self.short_reads.store(to as u32, Ordering::Release);
    }

    pub fn short_reads_are(&self, what: ShortReads) -> bool {
        self.short_reads.load(Ordering::Acquire) == what as u32
    }

    /// The present life.
    pub fn life(&self) -> u32 {
        self.life.load(Ordering::Acquire)
    }

    /// Nothing is known any more: the number `fd` is to be another description's. Its users are told, and go on at the
    /// number `to`, a duplicate, where there is one; where there is none they look at the number again.
    pub fn end_life(&self, fd: i32, to: Option<i32>) -> Ended {
        let ended = self.end_life_locked(&mut self.inner.lock(), fd, to);
        self.forget_reads();
        ended
    }

    /// The same where the number is another description's already: whatever close there was is done.
    pub fn begin_life(&self, fd: i32) -> Ended {
        let ended = {
            let mut inner = self.inner.lock();
            self.gate.open();
            self.end_life_locked(&mut inner, fd, None)
        };
        self.forget_reads();
        ended
    }

    /// The same, unless another life than `life` has begun.
    pub fn end_this_life(&self, fd: i32, life: u32) -> Option<Ended> {
        let ended = {
            let mut inner = self.inner.lock();
            if inner.holds.life() != life {
                return None;
            }
            self.gate.open();
            self.end_life_locked(&mut inner, fd, None)
        };
        self.forget_reads();
        Some(ended)
    }

    fn end_life_locked(&self, inner: &mut Inner, fd: i32, to: Option<i32>) -> Ended {
        inner.edges.forget();
        inner.kind = Kind::Ordinary;
        let life = inner.holds.life();
        let users = inner.holds.end_life();
        inner.edges.disband();
        self.life.store(inner.holds.life(), Ordering::Release);
        let to = to.filter(|_| users != 0);
        if let Some(to) = to {
            MOVED.lock().add(fd, life, to, users);
        }
        let registered = core::mem::take(&mut inner.registered);
        Ended { registered, life: inner.holds.life(), moved: to.is_some() }
    }

    /// A user begins a try; false when its life has ended. Its first try here makes it a user.
    pub fn begin_try(&self, user: &mut User) -> bool {
        let mut inner = self.inner.lock();
        user.end_try(&mut inner);
        user.trying = inner.holds.begin_try(user.life);
        if user.trying && !user.entered {
            inner.holds.enter();
            user.entered = true;
        }
        user.trying
    }

    /// Makes a user of one that has begun in its life, if that lasts.
    pub fn enter(&self, user: &mut User) {
        let mut inner = self.inner.lock();
        if inner.holds.life() == user.life {
            inner.holds.enter();
            user.entered = true;
        }
    }

    /// Whether epoll is known to refuse the description: asked without the lock.
    pub fn is_unpollable(&self) -> bool {
        // SAFETY: an aligned byte of a live slot that is one of the enumeration's; volatile, because who holds the lock may be
        // writing it.
        unsafe { (&raw const (*self.inner.as_ptr()).kind).read_volatile() == Kind::Unpollable }
    }

    /// Whether the description seems to be registered in `generation`: asked without the lock.
    pub fn seems_registered(&self, generation: u32) -> bool {
        // SAFETY: an aligned word of a live slot; volatile, because who holds the lock may be writing it.
        unsafe { (&raw const (*self.inner.as_ptr()).registered).read_volatile() == generation }
    }

    /// Ends a user's part, its try included; false when its life ended before.
    pub fn leave(&self, user: &mut User) -> bool {
        if !user.entered && !user.trying {
            return true;
        }
        let mut inner = self.inner.lock();
        user.end_try(&mut inner);
        !core::mem::take(&mut user.entered) || inner.holds.leave(user.life)
    }

    /// Whether a user is trying.
    pub fn is_tried(&self) -> bool {
        self.inner.lock().holds.is_tried()
    }

    /// Whether anybody seems to be in an operation on it: asked without the lock.
    pub fn seems_used(&self) -> bool {
        // SAFETY: an aligned word of a live slot; volatile, because who holds the lock may be writing it.
        let users = unsafe { (&raw const (*self.inner.as_ptr()).holds).read_volatile() }.users();
        users != 0 || self.first_hint() != 0
    }

    fn forget_reads(&self) {
        self.set_drained(0);
        self.set_short_reads(ShortReads::New);
        self.plain.store(0, Ordering::Release);
    }

    /// The read edges so far; asked before a read that may prove the buffer empty.
    pub fn read_edges(&self) -> u32 {
        self.read_edges.load(Ordering::Acquire)
    }

    /// A read that began after `edges` took all there was.
    pub fn set_drained(&self, edges: u32) {
        self.drained_at.store(edges, Ordering::Relaxed);
    }

    pub fn is_drained(&self) -> bool {
        self.drained_at.load(Ordering::Relaxed) == self.read_edges.load(Ordering::Acquire)
            && self.short_reads_are(ShortReads::Empty)
    }

    /// Claims the number for one thread; when that fails the claimer is told that it is wanted.
    pub fn claim(&self) -> bool {
        self.claim.claim()
    }

    /// Ends a claim; whether somebody was turned away meanwhile.
    pub fn release(&self) -> bool {
        self.claim.release()
    }

    /// Links a node, unless an edge has been left for it: then the bit is used up. The description must be registered in
    /// `generation`.
    ///
    /// # Safety
    /// The node stays in place, alive, until [`Slot::unlink`].
    pub unsafe fn link(&self, node: *mut Node, generation: u32) -> Link {
        // SAFETY: the caller's promise.
        unsafe { Self::link_locked(&mut self.inner.lock(), node, generation) }
    }

    /// The same for a user in an operation that began in `life` and whose try ends
    /// with this. Its first wait makes it a user.
    ///
    /// # Safety
    /// As [`Slot::link`].
    pub unsafe fn link_user(&self, node: *mut Node, generation: u32, user: &mut User) -> Link {
        let mut inner = self.inner.lock();
        user.end_try(&mut inner);
        if inner.holds.life() != user.life {
            return Link::OtherLife;
        }
        // SAFETY: the caller's promise.
        let link = unsafe { Self::link_locked(&mut inner, node, generation) };
        if link != Link::Unregistered && !user.entered {
            inner.holds.enter();
            user.entered = true;
        }
        link
    }

    /// # Safety
    /// As [`Slot::link`].
    #[inline(always)]
    unsafe fn link_locked(inner: &mut Inner, node: *mut Node, generation: u32) -> Link {
        if inner.registered != generation {
            return Link::Unregistered;
        }
        let first = inner.edges.is_empty();
        // SAFETY: the caller's promise.
        if !unsafe { inner.edges.link(&raw mut (*node).entry) } {
            return Link::UsedUp;
        }
        if first {
            inner.verified = Verified::No;
            if !UNVERIFIED.load(Ordering::Relaxed) {
                UNVERIFIED.store(true, Ordering::Relaxed);
                return Link::FirstToVerify;
            }
        }
        Link::Linked
    }

    /// Unlinks a node if it still is linked; where it was found. No waker touches it afterwards.
    ///
    /// # Safety
    /// The node was given to [`Slot::link`].
    pub unsafe fn unlink(&self, node: *mut Node) -> Place {
        // SAFETY: the caller's promise.
        unsafe { self.inner.lock().edges.unlink(&raw mut (*node).entry) }
    }

    /// Wakes whom an edge would wake, though none is known of: see [`Edges::nudge`].
    pub fn nudge(&self, bits: u8) {
        let mut inner = self.inner.lock();
        self.note_read_edge(bits);
        inner.edges.nudge(bits);
    }

    /// Gives an edge back that a poller found to be none of its business: see [`Edges::give_back`].
    pub fn give_back(&self, bits: u8) {
        self.inner.lock().edges.give_back(bits);
    }

    /// Where its first waiter's node probably is: read without the lock, good for a prefetch only.
    pub fn first_hint(&self) -> usize {
        // SAFETY: a live slot.
        unsafe { Edges::first_hint(&raw const (*self.inner.as_ptr()).edges) }
    }

    /// An edge: see [`Edges::deliver`].
    pub fn deliver(&self, bits: u8, everybody: bool) -> usize {
        if bits == 0 {
            return 0;
        }
        let mut inner = self.inner.lock();
        self.note_read_edge(bits);
        inner.edges.deliver(bits, everybody)
    }

    /// Under the lock, which keeps one from being counted with another.
    fn note_read_edge(&self, bits: u8) {
        if bits & super::Interest::READ.0 != 0 {
            let n = self.read_edges.load(Ordering::Relaxed);
            self.read_edges.store(n.wrapping_add(1).max(1), Ordering::Release);
        }
    }
}

/// One operation's part in a slot's [`Holds`].
pub struct User {
    pub life: u32,
    pub entered: bool,
    pub trying: bool,
}

impl User {
    pub fn end_try(&mut self, inner: &mut Inner) {
        if core::mem::take(&mut self.trying) {
            inner.holds.end_try();
        }
    }
}

/// Where the users of `fd` went that entered in `life`.
pub fn moved_to(fd: i32, life: u32) -> Option<i32> {
    MOVED.lock().find(fd, life)
}

/// One of them leaves: see [`Moved::leave`].
pub fn leave_moved(fd: i32, life: u32) -> Option<i32> {
    MOVED.lock().leave(fd, life)
}

/// Makes a number a duplicate of ours, or ends that.
pub fn set_duplicate(slot: &Slot, is_one: bool) {
    slot.inner.lock().kind = if is_one { Kind::Duplicate } else { Kind::Ordinary };
    if is_one {
        DUPLICATES.fetch_add(1, Ordering::Relaxed)
    } else {
        DUPLICATES.fetch_sub(1, Ordering::Relaxed)
    };
}

/// The slot of a number, made if need be; `None` for numbers out of range or without memory.
pub fn of(fd: i32) -> Option<&'static Slot> {
    if let Some(slot) = existing(fd) {
        return Some(slot);
    }
    make_chunk(fd)
}

#[cold]
#[inline(never)]
fn make_chunk(fd: i32) -> Option<&'static Slot> {
    let at = usize::try_from(fd).ok()?;
    let entry = TABLE.get(at / CHUNK)?;
    let mut chunk = Vec::with_capacity(CHUNK);
    chunk.resize_with(CHUNK, Slot::new);
    let fresh = chunk.leak().as_mut_ptr();
    // A racing thread may have been first; its chunk wins and ours is a leak of a few kilobytes, once.
    let _ = entry.compare_exchange(null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire);
    existing(fd)
}

/// The highest number whose chunk exists; -1 for none.
pub fn highest() -> i64 {
    TABLE.iter().rposition(|c| !c.load(Ordering::Acquire).is_null()).map_or(-1, |c| ((c + 1) * CHUNK - 1) as i64)
}

/// The slot of a number, if its chunk exists.
#[inline]
pub fn existing(fd: i32) -> Option<&'static Slot> {
    let at = usize::try_from(fd).ok()?;
    let chunk = TABLE.get(at / CHUNK)?.load(Ordering::Acquire);
    // SAFETY: chunks hold CHUNK slots and are never freed.
    (!chunk.is_null()).then(|| unsafe { &*chunk.add(at % CHUNK) })
}

/// Notes the library's own descriptors: the poller's three, which are neighbours, and three more.
pub fn own(epoll: i32, more: [i32; 3]) {
    for (slot, fd) in OWNED.iter().zip([epoll, epoll + 1, epoll + 2].into_iter().chain(more)) {
        slot.store(fd, Ordering::Relaxed);
    }
}

pub fn disown() {
    for slot in OWNED.iter().chain(&OF_PARENT) {
        slot.store(-1, Ordering::Relaxed);
    }
    ANY_OF_PARENT.store(false, Ordering::Relaxed);
}

/// They are the parent's, in a table that is shared with it.
pub fn leave_to_parent() {
    for (theirs, own) in OF_PARENT.iter().zip(&OWNED) {
        match own.swap(-1, Ordering::Relaxed) {
            ..0 => {}
            fd => {
                theirs.store(fd, Ordering::Relaxed);
                ANY_OF_PARENT.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// Whether some are.
pub fn any_of_parents() -> bool {
    ANY_OF_PARENT.load(Ordering::Relaxed)
}

pub fn is_own(fd: i32) -> bool {
    let among = |numbers: &[AtomicI32; OWN]| numbers.iter().any(|o| o.load(Ordering::Relaxed) == fd);
    fd >= 0 && among(&OWNED)
        || is_duplicate(fd) && !arch::has_own_table()
        || any_of_parents() && fd >= 0 && among(&OF_PARENT)
}

fn is_duplicate(fd: i32) -> bool {
    DUPLICATES.load(Ordering::Relaxed) != 0
        && existing(fd).is_some_and(|slot| slot.inner.lock().kind == Kind::Duplicate)
}

/// Those that stay while the reactor does, and a parent's.
pub fn lasting() -> impl Iterator<Item = i32> {
    OWNED.iter().chain(&OF_PARENT).map(|o| o.load(Ordering::Relaxed)).filter(|&fd| fd >= 0)
}

/// All of the library's own numbers.
pub fn own_descriptors() -> Vec<i32> {
    let duplicates = if arch::has_own_table() { Vec::new() } else { duplicates() };
    lasting().chain(duplicates).collect()
}

/// Those that come and go, in the process's table alone.
pub fn duplicates() -> Vec<i32> {
    MOVED.lock().numbers().collect()
}

/// Whether a look at the waiters is due.
pub fn any_unverified() -> bool {
    UNVERIFIED.load(Ordering::Relaxed)
}

/// Looks at every slot with waiters and calls `verify` on those seen waiting by the look before.
pub fn look_at_waiters(mut verify: impl FnMut(i32)) {
    UNVERIFIED.store(false, Ordering::Relaxed);
    for (c, chunk) in TABLE.iter().enumerate() {
        let chunk = chunk.load(Ordering::Acquire);
        if chunk.is_null() {
            continue;
        }
        for i in 0..CHUNK {
            // SAFETY: chunks hold CHUNK slots and are never freed.
            let mut inner = unsafe { &*chunk.add(i) }.inner.lock();
            if inner.edges.is_empty() || inner.verified == Verified::Yes {
                continue;
            }
            if inner.verified == Verified::No {
                inner.verified = Verified::SeenOnce;
                UNVERIFIED.store(true, Ordering::Relaxed);
            } else {
                inner.verified = Verified::Yes;
                drop(inner);
                verify((c * CHUNK + i) as i32);
            }
        }
    }
}

/// `closes`: the duplicates are the child's to close.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork(closes: bool) {
    UNVERIFIED.store(false, Ordering::Relaxed);
    DUPLICATES.store(0, Ordering::Relaxed);
    // SAFETY: no other thread exists.
    unsafe { MOVED.reset(Moved::new()) };
    for (c, chunk) in TABLE.iter().enumerate() {
        let chunk = chunk.load(Ordering::Relaxed);
        if chunk.is_null() {
            continue;
        }
        for i in 0..CHUNK {
            // SAFETY: chunks hold CHUNK slots; no other thread exists.
            unsafe {
                if closes && !arch::has_own_table() && (*(*chunk.add(i)).inner.as_ptr()).kind == Kind::Duplicate {
                    let _ = sysfd::close((c * CHUNK + i) as i32);
                }
                (*chunk.add(i)).inner.reset(EMPTY);
                (*chunk.add(i)).life.store(0, Ordering::Relaxed);
                (*chunk.add(i)).claim.reset();
                (*chunk.add(i)).gate.reset();
                (*chunk.add(i)).forget_reads();
            }
        }
    }
}
