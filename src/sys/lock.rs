//! The engine's own lock: a futex, never seen by the program, never held across a switch or a callback
//! into program code.
//!
//! While a guard lives the thread counts as *inside the runtime* (see `signal`): a signal handler that
//! arrives then is deferred, so a handler that calls a hook can never find its own thread holding a lock.
//! In debug builds every lock has a rank and taking one out of order panics.

use super::futex;
use crate::arch::tls;
use crate::atomic::{AtomicU32, Ordering};
use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};

const FREE: u32 = 0;
const HELD: u32 = 1;
const CONTENDED: u32 = 2;

/// How often to look again before sleeping. A critical section is tens of nanoseconds long.
const SPINS: u32 = 64;

/// The bare lock: three states, as in the futex literature, and as in glibc.
#[repr(transparent)]
pub struct RawLock {
    word: AtomicU32,
}

impl RawLock {
    pub const fn new() -> RawLock {
        RawLock { word: AtomicU32::new(FREE) }
    }

    /// A lock of glibc's.
    ///
    /// # Safety
    /// `word` is one of its private low-level locks, and never unmapped.
    pub unsafe fn at(word: *mut u32) -> &'static RawLock {
        // SAFETY: the caller's promise; the lock is that word and nothing else.
        unsafe { &*word.cast::<RawLock>() }
    }

    /// Takes the lock if it is free, or is soon.
    pub fn try_acquire(&self) -> bool {
        (0..SPINS).any(|_| {
            core::hint::spin_loop();
            self.word.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
        })
    }

    /// Whether somebody may wait for it.
    pub fn is_contended(&self) -> bool {
        self.word.load(Ordering::Relaxed) == CONTENDED
    }

    #[inline]
    pub fn acquire(&self) {
        if self.word.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.acquire_contended();
        }
    }

    #[cold]
    fn acquire_contended(&self) {
        for _ in 0..SPINS {
            core::hint::spin_loop();
            if self.word.load(Ordering::Relaxed) == FREE
                && self.word.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
            {
                return;
            }
        }
        while self.word.swap(CONTENDED, Ordering::Acquire) != FREE {
            futex::wait(&self.word, CONTENDED);
        }
    }

    #[inline]
    pub fn release(&self) {
        if self.word.swap(FREE, Ordering::Release) == CONTENDED {
            futex::wake(&self.word, 1);
        }
    }
}

impl Default for RawLock {
    fn default() -> RawLock {
        RawLock::new()
    }
}

/// Data behind a [`RawLock`].
pub struct Lock<T> {
    raw: RawLock,
    data: UnsafeCell<T>,
}

// SAFETY: the lock gives access to one thread at a time; T crosses threads, hence Send.
unsafe impl<T: Send> Sync for Lock<T> {}
// SAFETY: moving the lock moves the data.
unsafe impl<T: Send> Send for Lock<T> {}

impl<T> Lock<T> {
    pub const fn new(data: T) -> Lock<T> {
        Lock { raw: RawLock::new(), data: UnsafeCell::new(data) }
    }

    #[inline]
    pub fn lock(&self) -> Guard<'_, T> {
        tls::enter();
        self.raw.acquire();
        Guard { lock: self }
    }

    /// Where the data is.
    pub fn as_ptr(&self) -> *const T {
        self.data.get()
    }

    /// Takes the lock without a guard, across a fork.
    pub fn hold(&self) {
        tls::enter();
        self.raw.acquire();
    }

    /// The same if the lock is free, or is soon.
    pub fn try_hold(&self) -> bool {
        tls::enter();
        let has = self.raw.try_acquire();
        if !has {
            tls::leave();
        }
        has
    }

    /// Releases what [`Lock::hold`] took.
    pub fn let_go(&self) {
        self.raw.release();
        tls::leave();
    }

    /// The data without locking.
    ///
    /// # Safety
    /// No other thread uses the lock: the child of a fork, before it has a second thread.
    pub unsafe fn reset(&self, data: T) {
        // SAFETY: exclusive by the caller's promise; the old value is forgotten, not dropped, because it
        // refers to threads that do not exist here.
        unsafe { self.data.get().write(data) };
        self.raw.word.store(FREE, Ordering::Relaxed);
    }
}

pub struct Guard<'a, T> {
    lock: &'a Lock<T>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard holds the lock, and `&mut self` makes the borrow unique.
        unsafe { &mut *self.lock.data.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.raw.release();
        tls::leave();
    }
}
