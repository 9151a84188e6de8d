//! The lock-free half of an inbox: what came and nobody has sorted yet, and the bits that tell of it.
//!
//! Nothing here knows a signal's number or its information: `inbox` has the notes and the lock under which they are sorted,
//! `tests/model/arrivals.rs` the proof that a note which nobody has taken always has its bit, once its sender is done.

use crate::atomic::modelled::{AtomicPtr, AtomicU64, Ordering, modelled_new};
use core::ptr::null_mut;

/// What can be chained.
pub trait Linked {
    /// # Safety
    /// `this` is alive and the caller's alone.
    unsafe fn set_next(this: *mut Self, next: *mut Self);
}

// In C's order: what every park looks at comes first.
#[repr(C)]
pub struct Arrivals<N> {
    /// Signals with a note. A bit may be set for a moment for one that has just been taken.
    pending: AtomicU64,
    /// Standard signals with a note, or with one on its way.
    claimed: AtomicU64,
    /// The notes that came, the last one first.
    newest: AtomicPtr<N>,
}

impl<N: Linked> Arrivals<N> {
    modelled_new! {
        pub fn new() -> Arrivals<N> {
            Arrivals { pending: AtomicU64::new(0), claimed: AtomicU64::new(0), newest: AtomicPtr::new(null_mut()) }
        }
    }

    #[inline]
    pub fn pending(&self) -> u64 {
        self.pending.load(Ordering::SeqCst)
    }

    /// Whether the one note that a standard signal may have is the caller's to make.
    pub fn claim(&self, bit: u64) -> bool {
        self.claimed.fetch_or(bit, Ordering::SeqCst) & bit == 0
    }

    /// The note has been taken, or could not be made.
    pub fn unclaim(&self, bit: u64) {
        self.claimed.fetch_and(!bit, Ordering::SeqCst);
    }

    /// Adds a note. Async-signal-safe.
    ///
    /// # Safety
    /// The note is alive and the caller's alone; it is whoever's takes the chain from now on.
    pub unsafe fn push(&self, note: *mut N, bit: u64) {
        let mut newest = self.newest.load(Ordering::Relaxed);
        loop {
            // SAFETY: it cannot be seen yet.
            unsafe { N::set_next(note, newest) };
            match self.newest.compare_exchange(newest, note, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => newest = now,
            }
        }
        // After the note: whoever clears the bit looks for notes once more.
        self.pending.fetch_or(bit, Ordering::SeqCst);
    }

    /// Takes the chain, the newest note first.
    pub fn take(&self) -> *mut N {
        self.newest.swap(null_mut(), Ordering::Acquire)
    }

    /// Clears the bits of `set` that have no note. `sort` takes what came, and tells which signals have notes; who adds one
    /// meanwhile sets its bit before or after this looks again.
    pub fn settle(&self, set: u64, mut sort: impl FnMut() -> u64) {
        let gone = set & !sort();
        if gone == 0 {
            return;
        }
        self.pending.fetch_and(!gone, Ordering::SeqCst);
        let back = gone & sort();
        if back != 0 {
            self.pending.fetch_or(back, Ordering::SeqCst);
        }
    }

    /// Forgets everything.
    ///
    /// # Safety
    /// The caller is the only thread of a forked child.
    pub unsafe fn reset(&self) {
        self.newest.store(null_mut(), Ordering::Relaxed);
        self.pending.store(0, Ordering::Relaxed);
        self.claimed.store(0, Ordering::Relaxed);
    }
}

impl<N: Linked> Default for Arrivals<N> {
    fn default() -> Arrivals<N> {
        Arrivals::new()
    }
}
