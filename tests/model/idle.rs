//! The idle protocol: no runnable thread while every worker sleeps, and somebody in the event source while workers with a
//! permit sleep.
//!
//! Mirrors `sched::pool` (`idle`, `wake_one`, `leave_source`, `take_free`, `send_home`) and `sched::Queue` around `Sleepers`. A thread is a
//! unit of `runnable`; when all that the scene makes have run, everybody goes home. The monitor, which in the end finds
//! what was missed, is left out: nothing may need it.

use crate::explore;
use greenlet_engine::sched::sleepers::Sleepers;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::sync::{Mutex, Notify};
use loom::thread;
use std::sync::Arc;

/// What is left out of the protocol.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    /// The waker does not fence between its push and its look.
    UnfencedPush,
    /// A worker looks at the queues before it says that it sleeps, and not after.
    LooksFirst,
    /// The poller that has lost its permit goes without a word.
    LeavesTheSourceEmpty,
    /// The first worker that has lost its permit keeps the main thread that was sent to it.
    KeepsTheMail,
}

/// A worker's futex, or the event source's notifier: 1 is open.
struct Gate {
    word: AtomicU32,
    kernel: Notify,
}

impl Gate {
    fn new() -> Gate {
        Gate { word: AtomicU32::new(0), kernel: Notify::new() }
    }

    /// Mirrors `pool::resume`, or `EventSource::notify`.
    fn open(&self) {
        self.word.store(1, Ordering::Release);
        self.kernel.notify();
    }

    fn close(&self) {
        self.word.store(0, Ordering::Relaxed);
    }

    /// Until it is open, or all is `over`.
    fn wait(&self, over: &AtomicU32) {
        while self.word.load(Ordering::Acquire) == 0 && over.load(Ordering::Acquire) == 0 {
            self.kernel.wait();
        }
    }
}

#[derive(Default)]
struct Pool {
    idle: Vec<usize>,
    poller: Option<usize>,
    /// Which worker has a permit.
    permits: [bool; 2],
}

struct Scene {
    flaw: Flaw,
    sleepers: Sleepers,
    pool: Mutex<Pool>,
    /// The global queue's length; the rest of a queue is its lock's business.
    runnable: AtomicU32,
    /// An event that makes a thread runnable, once.
    event: Mutex<bool>,
    source: Gate,
    futexes: [Gate; 2],
    left: Mutex<u32>,
    over: AtomicU32,
    /// Whether what is made runnable is the main thread, at home on worker 0.
    homing: bool,
    mailbox: AtomicU32,
}

impl Scene {
    fn new(flaw: Flaw, threads: u32, homing: bool) -> Arc<Scene> {
        Arc::new(Scene {
            flaw,
            sleepers: Sleepers::new(),
            pool: Mutex::new(Pool { permits: [true; 2], ..Pool::default() }),
            runnable: AtomicU32::new(0),
            event: Mutex::new(false),
            source: Gate::new(),
            futexes: [Gate::new(), Gate::new()],
            left: Mutex::new(threads),
            over: AtomicU32::new(0),
            homing,
            mailbox: AtomicU32::new(0),
        })
    }

    /// Mirrors `sched::inject`: `Queue::push`, then `pool::wake_one`.
    fn inject(&self) {
        self.runnable.fetch_add(1, Ordering::Relaxed);
        if self.flaw != Flaw::UnfencedPush {
            self.sleepers.fence_after_push();
        }
        if self.sleepers.any_idle() {
            let mut pool = self.pool.lock().unwrap();
            if let Some(w) = pool.idle.pop() {
                self.sleepers.idle_leaves();
                drop(pool);
                self.futexes[w].open();
                return;
            }
        }
        if self.sleepers.polls() {
            self.source.open();
        }
    }

    /// Mirrors `sched::work_visible`.
    fn work_visible(&self) -> bool {
        self.runnable.load(Ordering::Relaxed) != 0
    }

    /// Mirrors `Worker::mail`.
    fn mail(&self, me: usize) -> bool {
        me == 0 && self.mailbox.load(Ordering::Relaxed) != 0 && self.mailbox.swap(0, Ordering::Acquire) != 0
    }

    /// Mirrors `pool::send_home`; the spare workers have gone home themselves, here.
    fn send_home(&self, me: usize) -> bool {
        let mut pool = self.pool.lock().unwrap();
        let polls = pool.poller == Some(0);
        if let Some(at) = pool.idle.iter().position(|&w| w == 0) {
            pool.idle.remove(at);
            self.sleepers.idle_leaves();
        } else if !polls {
            return false;
        }
        if !pool.permits[0] {
            pool.permits.swap(0, me);
        }
        self.mailbox.store(1, Ordering::Release);
        drop(pool);
        if polls {
            self.source.open()
        } else {
            self.futexes[0].open()
        }
        true
    }

    /// Mirrors `Queue::pop`, and runs the thread. Whether there was one.
    fn run_one(&self, me: usize) -> bool {
        if self.mail(me) {
            self.ran();
            return true;
        }
        let mut n = self.runnable.load(Ordering::Relaxed);
        while n != 0 {
            match self.runnable.compare_exchange(n, n - 1, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => {
                    if !(self.homing && me != 0 && self.send_home(me)) {
                        self.ran();
                    }
                    return true;
                }
                Err(now) => n = now,
            }
        }
        false
    }

    fn ran(&self) {
        let mut left = self.left.lock().unwrap();
        *left -= 1;
        if *left == 0 {
            self.over.store(1, Ordering::Release);
            self.source.open();
            self.futexes.iter().for_each(Gate::open);
        }
    }

    /// Mirrors `Worker::run_loop`. A worker without a permit waits for one with the spare ones: for good, here.
    fn work(&self, me: usize) {
        while self.over.load(Ordering::Acquire) == 0 {
            if !self.pool.lock().unwrap().permits[me] && !self.regain(me) {
                return;
            }
            if !self.run_one(me) {
                self.idle(me);
            }
        }
    }

    /// Mirrors the beginning of `pool::wait_for_permit`.
    fn regain(&self, me: usize) -> bool {
        if self.flaw != Flaw::KeepsTheMail && self.mail(me) {
            self.inject();
        }
        let taken = self.work_visible() && self.take_free();
        self.pool.lock().unwrap().permits[me] |= taken;
        taken
    }

    /// Mirrors `pool::idle`.
    fn idle(&self, me: usize) {
        let seen_before = self.work_visible();
        let look = || if self.flaw == Flaw::LooksFirst { seen_before } else { self.work_visible() };
        let mut pool = self.pool.lock().unwrap();
        if pool.poller.is_none() {
            pool.poller = Some(me);
            self.sleepers.poller_enters();
            drop(pool);
            if !look() {
                self.source.wait(&self.over);
                self.source.close();
                self.collect();
            }
            self.leave_source(me);
            return;
        }
        self.futexes[me].close();
        pool.idle.push(me);
        self.sleepers.idle_enters();
        drop(pool);
        if look() {
            let mut pool = self.pool.lock().unwrap();
            if let Some(at) = pool.idle.iter().position(|&w| w == me) {
                pool.idle.remove(at);
                self.sleepers.idle_leaves();
                return;
            }
        }
        self.futexes[me].wait(&self.over);
    }

    /// What the event source delivers.
    fn collect(&self) {
        let happened = std::mem::take(&mut *self.event.lock().unwrap());
        if happened {
            self.inject();
        }
    }

    /// Mirrors `pool::leave_source`.
    fn leave_source(&self, me: usize) {
        let mut pool = self.pool.lock().unwrap();
        pool.poller = None;
        self.sleepers.poller_leaves();
        if pool.permits[me] || self.flaw == Flaw::LeavesTheSourceEmpty {
            return;
        }
        if let Some(next) = pool.idle.pop() {
            self.sleepers.idle_leaves();
            drop(pool);
            self.futexes[next].open();
        }
    }

    /// Mirrors `pool::take_free`: a permit for a thread that comes back from the kernel.
    fn take_free(&self) -> bool {
        let mut pool = self.pool.lock().unwrap();
        if let Some(w) = pool.idle.pop() {
            self.sleepers.idle_leaves();
            pool.permits[w] = false;
            drop(pool);
            self.futexes[w].open();
            return true;
        }
        let Some(poller) = pool.poller else { return false };
        std::mem::take(&mut pool.permits[poller])
    }

    /// Something is due in the event source.
    fn happen(&self) {
        *self.event.lock().unwrap() = true;
        self.source.open();
    }
}

fn with_workers(workers: usize, flaw: Flaw, threads: u32, foreign: impl FnOnce(&Scene)) {
    in_scene(workers, Scene::new(flaw, threads, false), foreign);
}

fn in_scene(workers: usize, scene: Arc<Scene>, foreign: impl FnOnce(&Scene)) {
    let start = |me| {
        let scene = scene.clone();
        thread::spawn(move || scene.work(me))
    };
    let workers: Vec<_> = (0..workers).map(start).collect();
    foreign(&scene);
    for worker in workers {
        worker.join().unwrap();
    }
    assert_eq!(*scene.left.lock().unwrap(), 0, "every thread has run");
}

/// A foreign thread makes one thread runnable, then another.
fn pushes(workers: usize, flaw: Flaw, threads: u32) {
    with_workers(workers, flaw, threads, |scene| (0..threads).for_each(|_| scene.inject()));
}

/// Alone, because the fence of a second worker that goes to sleep would do for the first one's.
#[test]
fn a_lone_worker_runs_what_is_pushed() {
    explore(5, || pushes(1, Flaw::None, 2));
}

#[test]
fn a_pushed_thread_is_run() {
    explore(2, || pushes(2, Flaw::None, 1));
}

#[test]
fn two_pushed_threads_are_run() {
    explore(2, || pushes(2, Flaw::None, 2));
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_push_without_a_fence_strands_its_thread() {
    explore(2, || pushes(2, Flaw::UnfencedPush, 1));
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_worker_that_looks_before_it_publishes_strands_a_thread() {
    explore(2, || pushes(2, Flaw::LooksFirst, 1));
}

/// A thread comes back from the kernel, takes a permit, the poller's if nobody is idle, and computes from then on. The
/// poller is called away for nothing; then the event comes that the only thread waits for.
fn poller_loses_its_permit(flaw: Flaw) {
    with_workers(2, flaw, 1, |scene| {
        scene.take_free();
        scene.source.open();
        thread::yield_now();
        scene.happen();
    });
}

#[test]
fn the_source_is_not_left_empty() {
    explore(2, || poller_loses_its_permit(Flaw::None));
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_poller_that_leaves_without_a_word_strands_the_idle() {
    explore(2, || poller_loses_its_permit(Flaw::LeavesTheSourceEmpty));
}

/// The main thread becomes runnable while another comes back from the kernel and takes a permit, the first worker's perhaps.
fn main_is_sent_home(flaw: Flaw) {
    in_scene(2, Scene::new(flaw, 1, true), |scene| {
        scene.inject();
        scene.take_free();
    });
}

#[test]
fn main_runs_at_home_or_elsewhere() {
    explore(2, || main_is_sent_home(Flaw::None));
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_mailbox_that_nobody_empties_strands_main() {
    explore(2, || main_is_sent_home(Flaw::KeepsTheMail));
}
