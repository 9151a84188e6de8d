//! Who sleeps, as wakers see it without the pool's lock, and the order of steps that leaves no runnable
//! thread behind while every worker sleeps.
//!
//! | worker with nothing to do                                     | waker                                |
//! |---------------------------------------------------------------|--------------------------------------|
//! | [`Sleepers::idle_enters`] or [`Sleepers::poller_enters`]      | pushes the thread                    |
//! | a full fence (in there)                                       | [`Sleepers::fence_after_push`]       |
//! | looks at the queues once more, and sleeps only if all are empty | [`Sleepers::any_idle`], [`Sleepers::polls`] |
//!
//! These are hints: who acts on them takes the pool's lock, under which they change. `tests/model/idle.rs`
//! shows that without the poller's fence or the waker's a thread is stranded. An idle worker that is not seen
//! costs time only: somebody polls while it sleeps, and is notified.

use crate::atomic::modelled::{AtomicU32, Ordering, fence, fence_after_rmw, modelled_new};

#[derive(Debug)]
pub struct Sleepers {
    /// Workers asleep on their futex, and permits that nobody holds.
    idle: AtomicU32,
    /// 1 while a worker is in the event source.
    polling: AtomicU32,
}

impl Sleepers {
    modelled_new! {
        pub fn new() -> Sleepers {
            Sleepers { idle: AtomicU32::new(0), polling: AtomicU32::new(0) }
        }
    }

    /// One more that can be woken; it looks at the queues afterwards.
    pub fn idle_enters(&self) {
        self.idle.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    pub fn idle_leaves(&self) {
        self.idle.fetch_sub(1, Ordering::Relaxed);
    }

    /// A worker is about to wait in the event source; it looks at the queues before it does.
    pub fn poller_enters(&self) {
        self.polling.store(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    pub fn poller_leaves(&self) {
        self.polling.store(0, Ordering::Relaxed);
    }

    /// Between a push, which ends with a read-modify-write, and a look at who sleeps.
    #[inline]
    pub fn fence_after_push(&self) {
        fence_after_rmw();
    }

    pub fn any_idle(&self) -> bool {
        self.idle.load(Ordering::Relaxed) != 0
    }

    pub fn polls(&self) -> bool {
        self.polling.load(Ordering::Relaxed) != 0
    }

    /// `idle` permits without a holder, nobody in the event source: the scheduler starts, or a forked child
    /// forgets its parent's.
    pub fn reset(&self, idle: u32) {
        self.idle.store(idle, Ordering::Relaxed);
        self.polling.store(0, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }
}

impl Default for Sleepers {
    fn default() -> Sleepers {
        Sleepers::new()
    }
}
