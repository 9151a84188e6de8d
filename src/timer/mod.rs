//! Deadlines: one binary heap of parked threads, ordered by monotonic time and then by order of arrival.
//!
//! A time of CLOCK_REALTIME is put into monotonic time under the heap's lock, and anew when that clock has been set
//! (`clock_was_set`): whoever read the old clock has left the lock by then and is found.
//!
//! A [`Entry`] lives on the waiting thread's stack; the heap keeps its address and tells it its index, so
//! that a thread that is woken early takes itself out in O(log n). Firing happens under the heap's lock
//! (see `park`). The earliest deadline is mirrored in an atomic for the idle protocol.

use crate::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::park::Wake;
use crate::sys::lock::Lock;
use crate::sys::time::Deadline;
use crate::thread::wait::Waiter;
use core::ptr::null;

const OUT: usize = usize::MAX;

/// A thread's place in the heap.
pub struct Entry {
    when: Deadline,
    /// The same in monotonic time. Written under the heap's lock.
    deadline: u64,
    order: u64,
    target: Target,
    /// Position in the heap, or OUT. Written under the heap's lock.
    index: usize,
}

/// Called with what it is to be done with, under the heap's lock.
type Deed = unsafe fn(*const ());

/// What a deadline ends, or begins.
#[derive(Clone, Copy)]
enum Target {
    Waiter(*const Waiter),
    Deed(Deed, *const ()),
}

impl Entry {
    pub fn new(when: Deadline, waiter: &Waiter) -> Entry {
        Entry { when, deadline: 0, order: 0, target: Target::Waiter(waiter), index: OUT }
    }

    /// For something else than to wake a thread.
    pub fn for_deed(when: Deadline, deed: Deed) -> Entry {
        Entry { when, deadline: 0, order: 0, target: Target::Deed(deed, null()), index: OUT }
    }

    /// With what the deed is done.
    pub fn set_deed_of(&mut self, subject: *const ()) {
        if let Target::Deed(_, of) = &mut self.target {
            *of = subject;
        }
    }
}

struct Heap {
    entries: Vec<*mut Entry>,
    arrivals: u64,
    /// How many wait for a time of CLOCK_REALTIME.
    real: usize,
}

impl Heap {
    const EMPTY: Heap = Heap { entries: Vec::new(), arrivals: 0, real: 0 };
}

// SAFETY: entries are live while linked and only reached under the heap's lock.
unsafe impl Send for Heap {}

static HEAP: Lock<Heap> = Lock::new(Heap::EMPTY);
static NEXT: AtomicU64 = AtomicU64::new(u64::MAX);
static ANY_REAL: AtomicBool = AtomicBool::new(false);

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
            unsafe {
                (*gone).index = OUT;
                if is_real(gone) {
                    self.count_real(self.real - 1);
                }
            }
        }
        if at < self.entries.len() {
            self.up(at);
            self.down(at);
        }
    }

    fn count_real(&mut self, n: usize) {
        self.real = n;
        ANY_REAL.store(n != 0, Ordering::Relaxed);
    }

    /// Puts every time of CLOCK_REALTIME into monotonic time anew.
    fn reset_clock(&mut self) {
        for &entry in &self.entries {
            // SAFETY: linked entries are live and exclusively ours under the lock.
            unsafe { (*entry).deadline = (*entry).when.monotonic() };
        }
        for at in (0..self.entries.len() / 2).rev() {
            self.down(at);
        }
    }

    fn publish(&self) {
        // SAFETY: linked entries are live.
        let next = self.entries.first().map_or(u64::MAX, |&e| unsafe { (*e).deadline });
        NEXT.store(next, Ordering::SeqCst);
    }
}

/// # Safety
/// `entry` is live.
unsafe fn is_real(entry: *mut Entry) -> bool {
    // SAFETY: the caller's promise; the field does not change.
    unsafe { matches!((*entry).when, Deadline::Real(_)) }
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
        (*entry).deadline = (*entry).when.monotonic();
        (*entry).order = heap.arrivals;
        (*entry).index = at;
        if is_real(entry) {
            let n = heap.real + 1;
            heap.count_real(n);
        }
    }
    heap.entries.push(entry);
    heap.up(at);
    let first = core::ptr::eq(heap.entries[0], entry);
    if first {
        heap.publish();
    }
    first
}

/// Unlinks `entry` unless it fired; whether it had not.
///
/// # Safety
/// `entry` was given to [`insert`].
pub unsafe fn remove(entry: *mut Entry) -> bool {
    let mut heap = HEAP.lock();
    // SAFETY: the caller's entry is live; `index` is guarded by the lock.
    let at = unsafe { (*entry).index };
    if at != OUT {
        heap.remove(at);
        if at == 0 {
            heap.publish();
        }
    }
    at != OUT
}

/// The earliest deadline, `u64::MAX` for none.
pub fn next_deadline() -> u64 {
    NEXT.load(Ordering::SeqCst)
}

/// Whether anybody waits for a time of CLOCK_REALTIME.
pub fn any_real() -> bool {
    ANY_REAL.load(Ordering::Relaxed)
}

/// CLOCK_REALTIME has been set: what waits for one of its times waits for another span now. True when the earliest deadline is
/// another, so that a sleeping reactor must hear of it.
pub fn clock_was_set() -> bool {
    if !any_real() {
        return false;
    }
    let before = next_deadline();
    let mut heap = HEAP.lock();
    heap.reset_clock();
    heap.publish();
    next_deadline() != before
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
            let target = (*first).target;
            heap.remove(0);
            woken += match target {
                Target::Waiter(waiter) => (*waiter).wake(Wake::TimedOut) as usize,
                Target::Deed(deed, of) => {
                    deed(of);
                    1
                }
            };
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
    unsafe { HEAP.reset(Heap::EMPTY) };
    NEXT.store(u64::MAX, Ordering::Relaxed);
    ANY_REAL.store(false, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::time::{self, SECOND};

    #[test]
    fn a_clock_that_is_set_puts_its_times_in_another_order() {
        let (real, now) = (time::clock(libc::CLOCK_REALTIME), time::now());
        let times = [
            Deadline::Monotonic(now + 10 * SECOND),
            Deadline::Real(real + 5 * SECOND),
            Deadline::Real(real + 20 * SECOND),
            Deadline::Monotonic(now + 15 * SECOND),
        ];
        let mut heap = Heap::EMPTY;
        let mut entries =
            times.map(|when| Entry { when, deadline: 0, order: 0, target: Target::Waiter(null()), index: OUT });
        for (at, entry) in entries.iter_mut().enumerate() {
            // As they were before the clock was set forward by twelve seconds.
            let later = if matches!(entry.when, Deadline::Real(_)) { 12 * SECOND } else { 0 };
            (entry.deadline, entry.order, entry.index) = (entry.when.monotonic() + later, at as u64, at);
            heap.entries.push(entry);
            heap.up(at);
        }
        let order = |heap: &Heap| {
            // SAFETY: the entries live to the end of the test.
            let mut found: Vec<_> = heap.entries.iter().map(|&e| unsafe { ((*e).deadline, (*e).order) }).collect();
            found.sort_unstable();
            found.iter().map(|found| found.1).collect::<Vec<_>>()
        };
        // SAFETY: as above.
        let first = |heap: &Heap| unsafe { (*heap.entries[0]).order };
        assert_eq!((first(&heap), order(&heap)), (0, vec![0, 3, 1, 2]));
        heap.reset_clock();
        assert_eq!((first(&heap), order(&heap)), (1, vec![1, 0, 3, 2]));
    }
}
