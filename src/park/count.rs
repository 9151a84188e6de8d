//! How many wait in one bucket of the lot, and the order of steps that loses no wake-up.
//!
//! | waiter                       | waker                                |
//! |------------------------------|--------------------------------------|
//! | [`Count::enter`]             | changes what is waited for           |
//! | a full fence                 | a full fence                         |
//! | checks what it waits for     | [`Count::any`]                       |
//!
//! The number changes under the lock of the bucket's queue only; wakers read it without.
//!
//! One of the two sees the other's first step: the waiter finds nothing to wait for, or the waker finds the
//! waiter and takes the bucket's lock. Both fences are in here; the order of the steps is the caller's.
//! `tests/model/lot.rs` shows that either fence or either order missing loses a wake-up.

use crate::atomic::modelled::{AtomicU32, Ordering, fence, fence_after_rmw, modelled_new};

/// The number of waiters. It may be too high for a moment, never too low.
#[derive(Debug)]
pub struct Count(AtomicU32);

impl Count {
    modelled_new! {
        pub fn new() -> Count {
            Count(AtomicU32::new(0))
        }
    }

    /// One more, who has not checked its condition yet. Under the queue's lock, as all that changes the number.
    #[inline]
    pub fn enter(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        fence_after_rmw();
    }

    /// One more, who checks nothing: it holds the lock under which wakers change what it waits for, and they see the
    /// number because it lets that lock go afterwards.
    #[inline]
    pub fn enter_unchecked(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// One less.
    #[inline]
    pub fn leave(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
    }

    /// Whether anybody may wait. The caller has just changed what they wait for.
    #[inline]
    pub fn any(&self) -> bool {
        fence(Ordering::SeqCst);
        self.0.load(Ordering::Relaxed) != 0
    }

    /// The same for a caller whose last step was an atomic read-modify-write, which is the fence on x86-64.
    #[inline]
    pub fn any_after_rmw(&self) -> bool {
        fence_after_rmw();
        self.0.load(Ordering::Relaxed) != 0
    }

    /// Forgets everybody: the caller is the only thread of a forked child.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl Default for Count {
    fn default() -> Count {
        Count::new()
    }
}
