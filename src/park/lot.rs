//! The parking lot: threads that wait for an address.
//!
//! A fixed table of buckets, each with a lock, a FIFO of waiters and a count that a waker reads before it
//! takes the lock. No wake-up is lost because the count goes up *before* the waiter checks its condition
//! (`validate`) and the waker changes the condition *before* it reads the count (see [`super::count`]). Keys carry a kind, so that a mutex and a raw futex at one address do not wake each other.
//!
//! Rejected: growing the table (a rehash needs every bucket's lock; at 100,000 parked threads the chains
//! are 25 long and only walked by wakers of that bucket). Issue 4 measures a million.

use super::Wake;
use super::count::Count;
use crate::arch::tls;
use crate::atomic::{AtomicPtr, Ordering};
use crate::sys::lock::Lock;
use crate::thread::wait::{self, Wait, Waiter};
use core::ptr::{null, null_mut};

/// What is waited for at an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    Mutex,
    Cond,
    Read,
    Write,
    Sem,
    Barrier,
    Once,
    Join,
    Futex,
    Listener,
    Channel,
}

/// A waiter's place in a bucket, on its own stack.
struct Node {
    next: *mut Node,
    prev: *mut Node,
    key: usize,
    kind: Kind,
    /// FUTEX_WAIT_BITSET's mask; all ones elsewhere.
    mask: u32,
    /// Null while it runs a handler: a wake is noted then (see `keep_place`).
    waiter: *const Waiter,
    /// The bucket that holds the node; null is a waker's last word on it (see `leave`).
    bucket: AtomicPtr<Bucket>,
}

struct Queue {
    head: *mut Node,
    tail: *mut Node,
}

// SAFETY: nodes are only reached under the bucket's lock, and live until their thread has unlinked them.
unsafe impl Send for Queue {}

impl Queue {
    fn push(&mut self, node: *mut Node) {
        // SAFETY: `node` is live and in no queue; `tail`, if any, is live (module invariant).
        unsafe {
            (*node).prev = self.tail;
            (*node).next = null_mut();
            if self.tail.is_null() {
                self.head = node;
            } else {
                (*self.tail).next = node;
            }
        }
        self.tail = node;
    }

    fn unlink(&mut self, node: *mut Node) {
        // SAFETY: `node` and its neighbours are linked here, hence live.
        unsafe {
            let (prev, next) = ((*node).prev, (*node).next);
            if prev.is_null() {
                self.head = next
            } else {
                (*prev).next = next
            }
            if next.is_null() { self.tail = prev } else { (*next).prev = prev }
        }
    }
}

impl Queue {
    /// Puts `new` where `old` is.
    fn replace(&mut self, old: *mut Node, new: *mut Node) {
        // SAFETY: `old` and its neighbours are linked here, hence live; `new` is live and in no queue.
        unsafe {
            let (prev, next) = ((*old).prev, (*old).next);
            ((*new).prev, (*new).next) = (prev, next);
            if prev.is_null() {
                self.head = new
            } else {
                (*prev).next = new
            }
            if next.is_null() { self.tail = new } else { (*next).prev = new }
        }
    }
}

#[repr(align(64))]
struct Bucket {
    count: Count,
    queue: Lock<Queue>,
}

impl Bucket {
    const fn new() -> Bucket {
        Bucket { count: Count::new(), queue: Lock::new(Queue { head: null_mut(), tail: null_mut() }) }
    }
}

const BITS: u32 = 12;
static BUCKETS: [Bucket; 1 << BITS] = [const { Bucket::new() }; 1 << BITS];

fn bucket(key: usize) -> &'static Bucket {
    // Fibonacci hashing: the high bits of the product are well mixed for aligned addresses.
    let hash = (key as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BITS);
    &BUCKETS[hash as usize]
}

/// Whether anybody may wait in the bucket of `key`. The caller has just changed what they wait for.
#[inline]
pub fn has_waiters(key: usize) -> bool {
    bucket(key).count.any()
}

/// The same, for a caller that changed it with an atomic read-modify-write: libc's unlocks and posts are.
#[inline]
pub fn has_waiters_after_rmw(key: usize) -> bool {
    bucket(key).count.any_after_rmw()
}

/// How [`park`] ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Parked {
    /// `validate` said there is nothing to wait for.
    Invalid,
    Woken(Wake),
}

/// Waits for a wake of `(key, kind)`.
///
/// `validate` runs under the bucket's lock, after the waiter counts: it must not block, and false means
/// that there is nothing to wait for. `before_sleep` runs with no lock held once the waiter is linked.
pub fn park(
    key: usize, kind: Kind, mask: u32, how: &Wait, validate: impl FnOnce() -> bool, before_sleep: impl FnOnce(),
) -> Parked {
    park_if(key, kind, mask, how, checked(validate), before_sleep).0
}

fn checked(validate: impl FnOnce() -> bool) -> impl FnOnce(&Count) -> bool {
    |count| {
        count.enter();
        let valid = validate();
        if !valid {
            count.leave();
        }
        valid
    }
}

/// As [`park`], where every waiter is woken at once and the object may be gone afterwards: the reason is `Ready` also for
/// one that was woken by something else but whose waker had come when it was about to look.
pub fn park_for_all(key: usize, kind: Kind, mask: u32, how: &Wait, validate: impl FnOnce() -> bool) -> Parked {
    match park_if(key, kind, mask, how, checked(validate), || {}) {
        (Parked::Woken(_), true) => Parked::Woken(Wake::Ready),
        (parked, _) => parked,
    }
}

/// Waits for a wake of `(key, kind)`, whose wakers hold a lock that the caller holds too and lets go in `before_sleep`. A handler
/// does not end it: while that runs the waiter keeps its place, and who is woken then has been.
pub fn park_unchecked(key: usize, kind: Kind, how: &Wait, before_sleep: impl FnOnce()) -> Parked {
    let admit = |count: &Count| {
        count.enter_unchecked();
        true
    };
    park_until(key, kind, u32::MAX, how, admit, before_sleep, |waiter, node| {
        // Further inside handlers do not run: the caller has to come out.
        tls::depth() == 1 && keep_place(waiter, node)
    })
    .0
}

/// Lets handlers run, and whatever else is done on leaving the runtime, while the waiter that `node` stands for keeps its place in the
/// queue; whether it is to sleep on. False: a waker came.
///
/// What keeps the place is not on the stack, because a handler may leave by a jump. Then it stays, and has a wake-up to itself.
fn keep_place(waiter: &Waiter, node: *mut Node) -> bool {
    // SAFETY: the node is on our own stack.
    let Node { key, kind, mask, .. } = unsafe { &*node };
    let place = Node {
        next: null_mut(),
        prev: null_mut(),
        key: *key,
        kind: *kind,
        mask: *mask,
        waiter: null(),
        bucket: AtomicPtr::new(null_mut()),
    };
    let place = Box::into_raw(Box::new(place));
    let mut is_queued = change_places(node, place);
    if is_queued {
        tls::leave();
        tls::enter();
        waiter.parker.arm();
        is_queued = change_places(place, node);
        if !is_queued {
            waiter.parker.disarm();
        }
    }
    // SAFETY: made above, and in no queue.
    drop(unsafe { Box::from_raw(place) });
    is_queued
}

/// Puts `new`, which is in no queue, where `old` is; false when a waker has taken that out.
fn change_places(old: *mut Node, new: *mut Node) -> bool {
    loop {
        // SAFETY: both are the caller's; the field is atomic.
        let at = unsafe { (*old).bucket.load(Ordering::Acquire) };
        if at.is_null() {
            return false;
        }
        // SAFETY: buckets are static.
        let mut queue = unsafe { &*at }.queue.lock();
        // SAFETY: as above; now under the lock that guards it.
        unsafe {
            if (*old).bucket.load(Ordering::Relaxed) == at {
                (*new).bucket.store(at, Ordering::Relaxed);
                queue.replace(old, new);
                (*old).bucket.store(null_mut(), Ordering::Relaxed);
                return true;
            }
        }
    }
}

/// How it ended, and whether a waker came, first or later.
#[inline(always)]
fn park_if(
    key: usize, kind: Kind, mask: u32, how: &Wait, admit: impl FnOnce(&Count) -> bool, before_sleep: impl FnOnce(),
) -> (Parked, bool) {
    park_until(key, kind, mask, how, admit, before_sleep, |_, _| false)
}

/// The same; `interrupted` is asked, when handlers may be due, whether to sleep on. If not, and a waker came, that is how it ended.
#[inline(always)]
fn park_until(
    key: usize, kind: Kind, mask: u32, how: &Wait, admit: impl FnOnce(&Count) -> bool, before_sleep: impl FnOnce(),
    interrupted: impl Fn(&Waiter, *mut Node) -> bool,
) -> (Parked, bool) {
    wait::with_waiter(|waiter| {
        let home = bucket(key);
        let mut node = Node {
            next: null_mut(),
            prev: null_mut(),
            key,
            kind,
            mask,
            waiter,
            bucket: AtomicPtr::new((home as *const Bucket).cast_mut()),
        };
        let node = &raw mut node;
        {
            let mut queue = home.queue.lock();
            if !admit(&home.count) {
                return (Parked::Invalid, false);
            }
            waiter.parker.arm();
            queue.push(node);
        }
        before_sleep();
        loop {
            let why = waiter.sleep(how);
            if why != Wake::Interrupted || !interrupted(waiter, node) {
                return (Parked::Woken(why), leave(node));
            }
        }
    })
}

/// Takes the node out of whichever bucket holds it now (a requeue may have moved it).
///
/// Whether a waker had done that. A waker clears `bucket` after it has fired the waiter, as its last access and
/// under its lock: a null here means that no waker will touch the node or the waiter again, anything else that one
/// still may.
fn leave(node: *mut Node) -> bool {
    loop {
        // SAFETY: the node is on our own stack; the field is atomic.
        let at = unsafe { (*node).bucket.load(Ordering::Acquire) };
        if at.is_null() {
            return true;
        }
        // SAFETY: buckets are static.
        let home = unsafe { &*at };
        let mut queue = home.queue.lock();
        // SAFETY: as above; now under the lock that guards it.
        if unsafe { (*node).bucket.load(Ordering::Relaxed) } == at {
            queue.unlink(node);
            home.count.leave();
            return false;
        }
    }
}

/// Wakes up to `n` waiters of `(key, kind)` whose mask meets `mask`, oldest first; how many.
pub fn unpark(key: usize, kind: Kind, n: usize, mask: u32) -> usize {
    if has_waiters(key) { unpark_queued(key, kind, n, mask) } else { 0 }
}

/// The same, for a caller that changed what they wait for with an atomic read-modify-write, or under a lock that
/// the waiters released after they were counted.
#[inline]
pub fn unpark_after_rmw(key: usize, kind: Kind, n: usize) -> usize {
    if has_waiters_after_rmw(key) { unpark_queued(key, kind, n, u32::MAX) } else { 0 }
}

fn unpark_queued(key: usize, kind: Kind, n: usize, mask: u32) -> usize {
    let home = bucket(key);
    let mut woken = 0;
    let mut queue = home.queue.lock();
    let mut at = queue.head;
    while !at.is_null() && woken < n {
        let node = at;
        // SAFETY: linked nodes are live while the lock is held, and an unlinked one until its `bucket` is null.
        unsafe {
            at = (*node).next;
            if (*node).key == key && (*node).kind == kind && (*node).mask & mask != 0 {
                let waiter = (*node).waiter.as_ref();
                queue.unlink(node);
                home.count.leave();
                woken += waiter.is_none_or(|waiter| waiter.wake(Wake::Ready)) as usize;
                (*node).bucket.store(null_mut(), Ordering::Release);
            }
        }
    }
    woken
}

/// Whether a thread waits for exactly `(key, kind)`.
pub fn is_awaited(key: usize, kind: Kind) -> bool {
    if !has_waiters(key) {
        return false;
    }
    let queue = bucket(key).queue.lock();
    let mut at = queue.head;
    while !at.is_null() {
        // SAFETY: linked nodes are live while the lock is held.
        unsafe {
            if (*at).key == key && (*at).kind == kind {
                return true;
            }
            at = (*at).next;
        }
    }
    false
}

/// Wakes `wake` waiters of `from` and moves up to `requeue` others to `to`, if `validate` (run under both
/// locks) holds. Returns (woken, moved), or `None` when it does not hold. Futexes only.
pub fn requeue(
    from: usize, to: usize, wake: usize, requeue: usize, validate: impl FnOnce() -> bool,
) -> Option<(usize, usize)> {
    let (a, b) = (bucket(from), bucket(to));
    // Both locks in address order; one when the buckets are the same.
    let (first, second) = if (a as *const Bucket) < b as *const Bucket { (a, b) } else { (b, a) };
    let mut one = first.queue.lock();
    let mut two = (!core::ptr::eq(first, second)).then(|| second.queue.lock());
    if !validate() {
        return None;
    }
    let (mut woken, mut moved) = (0, 0);
    let mut at = if core::ptr::eq(a, first) { one.head } else { two.as_ref().map_or(null_mut(), |q| q.head) };
    let mut budget = wake.saturating_add(requeue);
    while !at.is_null() && budget > 0 {
        let node = at;
        // SAFETY: linked nodes are live while their bucket's lock is held, and we hold both.
        unsafe {
            at = (*node).next;
            if (*node).key != from || (*node).kind != Kind::Futex {
                continue;
            }
            budget -= 1;
            let source = if core::ptr::eq(a, first) { &mut *one } else { two.as_mut().map_or(&mut *one, |q| &mut **q) };
            let waiter = (*node).waiter;
            source.unlink(node);
            a.count.leave();
            if woken < wake {
                woken += (*waiter).wake(Wake::Ready) as usize;
                (*node).bucket.store(null_mut(), Ordering::Release);
            } else {
                let target =
                    if core::ptr::eq(b, first) { &mut *one } else { two.as_mut().map_or(&mut *one, |q| &mut **q) };
                (*node).key = to;
                (*node).bucket.store((b as *const Bucket).cast_mut(), Ordering::Relaxed);
                b.count.enter();
                target.push(node);
                moved += 1;
            }
        }
    }
    Some((woken, moved))
}

/// Forgets every waiter: they are threads of the parent.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork() {
    for b in &BUCKETS {
        b.count.reset();
        // SAFETY: no other thread exists.
        unsafe { b.queue.reset(Queue { head: null_mut(), tail: null_mut() }) };
    }
}
