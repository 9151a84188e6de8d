//! A FIFO of runnable threads, linked through the threads themselves: no allocation, no bound.

use crate::atomic::{AtomicU32, Ordering};
use crate::sys::lock::Lock;
use crate::thread::Thread;
use core::ptr::null;

struct List {
    head: *const Thread,
    tail: *const Thread,
}

// SAFETY: threads on a run queue are alive and owned by the queue's lock holder.
unsafe impl Send for List {}

/// A run queue. `len` may be read without the lock; it is exact for whoever holds it.
pub struct Queue {
    list: Lock<List>,
    len: AtomicU32,
}

impl Queue {
    pub const fn new() -> Queue {
        Queue { list: Lock::new(List { head: null(), tail: null() }), len: AtomicU32::new(0) }
    }

    #[inline]
    pub fn len(&self) -> u32 {
        self.len.load(Ordering::Relaxed)
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends. The lock's release is the read-modify-write that [`super::sleepers::Sleepers::fence_after_push`] counts on.
    pub(crate) fn push(&self, t: *const Thread) {
        let mut list = self.list.lock();
        // SAFETY: `t` is runnable, in no queue; the tail is a live runnable thread.
        unsafe {
            (*t).next.set(null());
            if list.tail.is_null() { list.head = t } else { (*list.tail).next.set(t) }
        }
        list.tail = t;
        self.len.store(self.len() + 1, Ordering::Relaxed);
    }

    pub fn pop(&self) -> Option<*const Thread> {
        if self.is_empty() {
            return None;
        }
        let mut list = self.list.lock();
        let t = list.head;
        if t.is_null() {
            return None;
        }
        // SAFETY: a queued thread is alive.
        list.head = unsafe { (*t).next.get() };
        if list.head.is_null() {
            list.tail = null();
        } else {
            // SAFETY: as above. It is the next to run here, unless stolen.
            unsafe { (*list.head).prefetch() };
        }
        self.len.store(self.len() - 1, Ordering::Relaxed);
        Some(t)
    }

    /// Moves the older half to `into` and returns one of them to run. The two locks are never held together.
    pub fn steal_half(&self, into: &Queue) -> Option<*const Thread> {
        let n = self.len().div_ceil(2);
        let first = self.pop()?;
        for _ in 1..n {
            match self.pop() {
                Some(t) => into.push(t),
                None => break,
            }
        }
        Some(first)
    }

    /// Forgets what is queued.
    ///
    /// # Safety
    /// The caller is the only thread of a forked child.
    pub unsafe fn reset(&self) {
        // SAFETY: no other thread exists.
        unsafe { self.list.reset(List { head: null(), tail: null() }) };
        self.len.store(0, Ordering::Relaxed);
    }
}

impl Default for Queue {
    fn default() -> Queue {
        Queue::new()
    }
}
