//! The parking lot: no wake-up is lost between a waiter that checks and a waker that looks for waiters.

use crate::explore;
use crate::sleeper::Sleeper;
use greenlet_engine::park::count::Count;
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicU32, Ordering, fence};
use loom::thread;
use std::collections::VecDeque;
use std::sync::Arc;

/// `Count`, or one with a step left out.
trait Counting: Send + Sync + 'static {
    fn new() -> Self;
    fn enter(&self);
    fn leave(&self);
    fn any(&self) -> bool;
    fn any_after_rmw(&self) -> bool;
}

impl Counting for Count {
    fn new() -> Count {
        Count::new()
    }
    fn enter(&self) {
        Count::enter(self);
    }
    fn leave(&self) {
        Count::leave(self);
    }
    fn any(&self) -> bool {
        Count::any(self)
    }
    fn any_after_rmw(&self) -> bool {
        Count::any_after_rmw(self)
    }
}

/// A count that lacks the fence of the waiter, of the waker, or neither: the flags say which it has.
struct Fenced<const WAITER: bool, const WAKER: bool>(AtomicU32);

impl<const WAITER: bool, const WAKER: bool> Counting for Fenced<WAITER, WAKER> {
    fn new() -> Self {
        Fenced(AtomicU32::new(0))
    }
    fn enter(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        if WAITER {
            fence(Ordering::SeqCst);
        }
    }
    fn leave(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
    fn any(&self) -> bool {
        if WAKER {
            fence(Ordering::SeqCst);
        }
        self.0.load(Ordering::Relaxed) != 0
    }
    fn any_after_rmw(&self) -> bool {
        self.any()
    }
}

struct Bucket<C> {
    count: C,
    queue: Mutex<VecDeque<Arc<Sleeper>>>,
    /// What is waited for: that it is 1. Or a mutex: 1 is free.
    word: AtomicU32,
}

impl<C: Counting> Bucket<C> {
    fn new(word: u32) -> Arc<Bucket<C>> {
        Arc::new(Bucket { count: C::new(), queue: Mutex::new(VecDeque::new()), word: AtomicU32::new(word) })
    }

    /// Mirrors `lot::park`: lock, count, validate, arm, link, unlock, sleep. Whoever wakes has unlinked.
    fn park(&self, validate: impl FnOnce() -> bool, before_sleep: impl FnOnce()) {
        let sleeper = Arc::new(Sleeper::new());
        let mut queue = self.queue.lock().unwrap();
        self.count.enter();
        if !validate() {
            self.count.leave();
            return;
        }
        sleeper.parker.arm();
        queue.push_back(sleeper.clone());
        drop(queue);
        before_sleep();
        sleeper.sleep();
    }

    /// Mirrors `lot::unpark`.
    fn unpark(&self, n: usize) {
        if self.count.any() {
            self.unpark_queued(n);
        }
    }

    /// Mirrors `lot::unpark_after_rmw`.
    fn unpark_after_rmw(&self, n: usize) {
        if self.count.any_after_rmw() {
            self.unpark_queued(n);
        }
    }

    fn unpark_queued(&self, n: usize) {
        let mut queue = self.queue.lock().unwrap();
        for _ in 0..n {
            let Some(sleeper) = queue.pop_front() else { break };
            self.count.leave();
            sleeper.wake(greenlet_engine::park::Wake::Ready);
        }
    }

    fn is_unset(&self) -> bool {
        self.word.load(Ordering::Relaxed) == 0
    }

    fn set(&self) {
        self.word.store(1, Ordering::Relaxed);
    }
}

fn wait_for_flag<C: Counting>(waiters: usize) {
    let bucket = Bucket::<C>::new(0);
    let waiters: Vec<_> = (0..waiters)
        .map(|_| {
            let bucket = bucket.clone();
            thread::spawn(move || bucket.park(|| bucket.is_unset(), || {}))
        })
        .collect();
    bucket.set();
    bucket.unpark(usize::MAX);
    for waiter in waiters {
        waiter.join().unwrap();
    }
    assert!(!bucket.count.any(), "the count is back where it was");
}

#[test]
fn one_waiter_one_waker() {
    explore(5, || wait_for_flag::<Count>(1));
}

#[test]
fn two_waiters_one_waker() {
    explore(3, || wait_for_flag::<Count>(2));
}

#[test]
fn both_fences_and_nothing_else_are_what_is_needed() {
    explore(5, || wait_for_flag::<Fenced<true, true>>(1));
}

#[test]
#[should_panic(expected = "deadlock")]
fn without_the_waiters_fence_a_wake_up_is_lost() {
    explore(5, || wait_for_flag::<Fenced<false, true>>(1));
}

#[test]
#[should_panic(expected = "deadlock")]
fn without_the_wakers_fence_a_wake_up_is_lost() {
    explore(5, || wait_for_flag::<Fenced<true, false>>(1));
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_waiter_that_checks_before_it_counts_is_lost() {
    explore(5, || {
        let bucket = Bucket::<Count>::new(0);
        let waiter = {
            let bucket = bucket.clone();
            thread::spawn(move || {
                let unset = bucket.is_unset();
                bucket.park(|| unset, || {});
            })
        };
        bucket.set();
        bucket.unpark(1);
        waiter.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_waker_that_looks_before_it_changes_the_word_loses_the_waiter() {
    explore(5, || {
        let bucket = Bucket::<Count>::new(0);
        let waiter = {
            let bucket = bucket.clone();
            thread::spawn(move || bucket.park(|| bucket.is_unset(), || {}))
        };
        let any = bucket.count.any();
        bucket.set();
        if any {
            bucket.unpark_queued(1);
        }
        waiter.join().unwrap();
    });
}

/// The mutex over the lot (`sync::mutex`): take it or park while it is held; free it, with a read-modify-write as
/// libc does, and wake one.
fn lock_and_unlock<C: Counting>(bucket: &Bucket<C>) {
    while bucket.word.compare_exchange(1, 0, Ordering::Acquire, Ordering::Relaxed).is_err() {
        bucket.park(|| bucket.is_unset(), || {});
    }
    bucket.word.swap(1, Ordering::Release);
    bucket.unpark_after_rmw(1);
}

fn contend<C: Counting>() {
    let bucket = Bucket::<C>::new(1);
    let other = {
        let bucket = bucket.clone();
        thread::spawn(move || lock_and_unlock(&bucket))
    };
    lock_and_unlock(&bucket);
    other.join().unwrap();
}

#[test]
fn a_contended_mutex_is_handed_on() {
    explore(4, contend::<Count>);
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_contended_mutex_needs_the_fence_of_the_unlock() {
    explore(4, contend::<Fenced<true, false>>);
}

/// A condition variable signalled after its mutex was held (`sync::cond`): the waiter is counted and linked before it
/// lets the mutex go, so that whoever holds it next sees the count, without a fence on either side.
#[test]
fn a_signal_after_the_mutex_needs_no_fence() {
    explore(4, || {
        let bucket = Bucket::<Fenced<false, false>>::new(0);
        let flag = Arc::new(Mutex::new(false));
        let waiter = {
            let (bucket, flag) = (bucket.clone(), flag.clone());
            thread::spawn(move || {
                let mut held = flag.lock().unwrap();
                while !*held {
                    bucket.park(|| true, || drop(held));
                    held = flag.lock().unwrap();
                }
            })
        };
        *flag.lock().unwrap() = true;
        bucket.unpark_after_rmw(1);
        waiter.join().unwrap();
    });
}

/// Who waits, or, while it runs a handler, that it does (`lot::keep_place`).
enum Place {
    Waits(Arc<Sleeper>),
    Kept,
}

/// A queue in which waiters keep their places. Whose turn a place is is told by its owner's number.
struct Places(Mutex<VecDeque<(usize, Place)>>);

impl Places {
    /// Mirrors `lot::change_places`: false when a waker has taken it out.
    fn change(&self, owner: usize, place: Place) -> bool {
        let mut queue = self.0.lock().unwrap();
        queue.iter_mut().find(|(o, _)| *o == owner).map(|(_, old)| *old = place).is_some()
    }

    /// Mirrors `lot::unpark_queued` for one; whether somebody was woken.
    fn wake_one(&self) -> bool {
        let mut queue = self.0.lock().unwrap();
        while let Some((_, place)) = queue.pop_front() {
            let woken = match place {
                Place::Kept => true,
                Place::Waits(sleeper) => sleeper.wake(greenlet_engine::park::Wake::Ready),
            };
            if woken {
                return true;
            }
        }
        false
    }

    /// Mirrors `lot::park_until` of a condition: asleep, interrupted, in a handler, asleep again.
    fn park(&self, owner: usize, sleeper: &Arc<Sleeper>) {
        use greenlet_engine::park::Wake;
        while sleeper.sleep() == Wake::Interrupted {
            if !self.change(owner, Place::Kept) {
                return;
            }
            // The handler.
            sleeper.parker.arm();
            if !self.change(owner, Place::Waits(sleeper.clone())) {
                sleeper.parker.disarm();
                return;
            }
        }
    }
}

/// One waiter is interrupted while as many are woken as wait: each comes back, and a wake-up that finds the first just interrupted, which
/// then comes back by itself, goes to the second.
#[test]
fn a_waiter_in_a_handler_keeps_its_place() {
    explore(3, || {
        let places = Arc::new(Places(Mutex::new(VecDeque::new())));
        let sleepers: Vec<_> = (0..2).map(|_| Arc::new(Sleeper::new())).collect();
        for (owner, sleeper) in sleepers.iter().enumerate() {
            sleeper.parker.arm();
            places.0.lock().unwrap().push_back((owner, Place::Waits(sleeper.clone())));
        }
        let waiter = {
            let (places, sleeper) = (places.clone(), sleepers[0].clone());
            thread::spawn(move || places.park(0, &sleeper))
        };
        let interrupter = {
            let sleeper = sleepers[0].clone();
            thread::spawn(move || {
                sleeper.wake(greenlet_engine::park::Wake::Interrupted);
            })
        };
        assert!(places.wake_one(), "the first, or the one behind it");
        places.wake_one();
        waiter.join().unwrap();
        interrupter.join().unwrap();
        places.park(1, &sleepers[1]);
    });
}
