//! Deadlines: one binary heap of parked threads, ordered by monotonic time and then by order of arrival.
//!
//! A [`Entry`] lives on the waiting thread's stack; the heap keeps its address and tells it its index, so
//! that a thread that is woken early takes itself out in O(log n). Firing happens under the heap's lock
//! (see `park`). The earliest deadline is mirrored in an atomic for the idle protocol.

use crate::atomic::{AtomicU64, Ordering};
use crate::park::Wake;
use crate::sys::lock::Lock;
use crate::thread::wait::Waiter;

const OUT: usize = usize::MAX;

/// A thread's place in the heap.
pub struct Entry {
    deadline: u64,
    order: u64,
    waiter: *const Waiter,
    /// Position in the heap, or OUT. Written under the heap's lock.
    index: usize,
}

impl Entry {
    pub fn new(deadline: u64, waiter: &Waiter) -> Entry {
        Entry { deadline, order: 0, waiter, index: OUT }
    }
}

struct Heap {
    entries: Vec<*mut Entry>,
    arrivals: u64,
}

// SAFETY: entries are live while linked and only reached under the heap's lock.
unsafe impl Send for Heap {}

static HEAP: Lock<Heap> = Lock::new(Heap { entries: Vec::new(), arrivals: 0 });
static NEXT: AtomicU64 = AtomicU64::new(u64::MAX);

impl Heap {
    fn before(&self, a: usize, b: usize) -> bool {
        // SAFETY: linked entries are live.
        let (a, b) = unsafe { (&*self.entries[a], &*self.entries[b]) };
        (a.deadline, a.order) < (b.deadline, b.order)
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.entries.swap(a, b);
        // SAFETY: linked entries are live and exclusively ours under the lock.
        unsafe {
            (*self.entries[a]).index = a;
            (*self.entries[b]).index = b;
        }
    }

    fn up(&mut self, mut at: usize) {
        while at > 0 && self.before(at, (at - 1) / 2) {
            self.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    }

    fn down(&mut self, mut at: usize) {
        loop {
            let mut least = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if child < self.entries.len() && self.before(child, least) {
                    least = child;
                }
            }
            if least == at {
                return;
            }
            self.swap(at, least);
            at = least;
        }
    }

    fn remove(&mut self, at: usize) {
        let last = self.entries.len() - 1;
        if at != last {
            self.swap(at, last);
        }
        if let Some(gone) = self.entries.pop() {
            // SAFETY: `gone` was linked, hence live.
            unsafe { (*gone).index = OUT };
        }
        if at < self.entries.len() {
            self.up(at);
            self.down(at);
        }
    }

    fn publish(&self) {
        // SAFETY: linked entries are live.
        let next = self.entries.first().map_or(u64::MAX, |&e| unsafe { (*e).deadline });
        NEXT.store(next, Ordering::SeqCst);
    }
}

/// Links `entry`; true when it became the earliest, so that a sleeping reactor must hear of it.
///
/// # Safety
/// The entry stays where it is, alive, until [`remove`] has returned.
pub unsafe fn insert(entry: *mut Entry) -> bool {
    let mut heap = HEAP.lock();
    heap.arrivals += 1;
    let at = heap.entries.len();
    // SAFETY: the caller's entry is live and not linked yet.
    unsafe {
        (*entry).order = heap.arrivals;
        (*entry).index = at;
    }
    heap.entries.push(entry);
    heap.up(at);
    let first = core::ptr::eq(heap.entries[0], entry);
    if first {
        heap.publish();
    }
    first
}

/// Unlinks `entry` unless it fired.
///
/// # Safety
/// `entry` was given to [`insert`].
pub unsafe fn remove(entry: *mut Entry) {
    let mut heap = HEAP.lock();
    // SAFETY: the caller's entry is live; `index` is guarded by the lock.
    let at = unsafe { (*entry).index };
    if at != OUT {
        heap.remove(at);
        if at == 0 {
            heap.publish();
        }
    }
}

/// The earliest deadline, `u64::MAX` for none.
pub fn next_deadline() -> u64 {
    NEXT.load(Ordering::SeqCst)
}

/// Fires everything due at `now`; how many threads that woke.
pub fn expire(now: u64) -> usize {
    if next_deadline() > now {
        return 0;
    }
    let mut woken = 0;
    let mut heap = HEAP.lock();
    while let Some(&first) = heap.entries.first() {
        // SAFETY: linked entries and their waiters are live while the lock is held.
        unsafe {
            if (*first).deadline > now {
                break;
            }
            let waiter = (*first).waiter;
            heap.remove(0);
            woken += (*waiter).wake(Wake::TimedOut) as usize;
        }
    }
    heap.publish();
    woken
}

/// Forgets every deadline.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork() {
    // SAFETY: no other thread exists. The old vector is forgotten: its entries are the parent's threads.
    unsafe { HEAP.reset(Heap { entries: Vec::new(), arrivals: 0 }) };
    NEXT.store(u64::MAX, Ordering::Relaxed);
}
