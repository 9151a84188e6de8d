//! The parker: one waker wins, the thread runs on once, with the winner's reason, and no fire reaches a later wait.

use crate::explore;
use crate::sleeper::Sleeper;
use greenlet_engine::park::{Fire, Parker, Wake};
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;
use std::sync::Arc;

/// A green thread's wait: its parker, linked in one source.
struct Scene {
    parker: Parker,
    /// Whether the thread is linked; the source's lock is around it.
    linked: Mutex<bool>,
    /// The reasons with which it ran on.
    runs: Mutex<Vec<Wake>>,
    /// Wakers keep the source's lock while they fire. Without, they may fire what they saw linked a moment ago.
    locked: bool,
}

impl Scene {
    fn new(locked: bool) -> Arc<Scene> {
        Arc::new(Scene { parker: Parker::new(), linked: Mutex::new(false), runs: Mutex::new(Vec::new()), locked })
    }

    /// The thread, and then its worker (`Worker::settle`).
    fn park(&self) {
        self.parker.arm();
        *self.linked.lock().unwrap() = true;
        if !self.parker.commit() {
            self.run_on();
        }
    }

    /// A waker. It runs the thread itself if it is told to make it run. Whether it won.
    fn wake(&self, why: Wake) -> bool {
        let linked = self.linked.lock().unwrap();
        if !*linked {
            return false;
        }
        let mut held = Some(linked);
        if !self.locked {
            held = None;
        }
        let fire = self.parker.fire(why);
        drop(held);
        if fire == Fire::MustResume {
            self.run_on();
        }
        fire != Fire::Lost
    }

    /// The thread goes on: takes the reason, unlinks itself, and begins its next wait, which nobody knows of.
    fn run_on(&self) {
        let why = self.parker.take();
        *self.linked.lock().unwrap() = false;
        self.runs.lock().unwrap().push(why);
        self.parker.arm();
    }
}

fn two_wakers(locked: bool) {
    let scene = Scene::new(locked);
    let wakers = [Wake::Ready, Wake::TimedOut].map(|why| {
        let scene = scene.clone();
        thread::spawn(move || scene.wake(why).then_some(why))
    });
    scene.park();
    let mut winners: Vec<Wake> = wakers.into_iter().filter_map(|w| w.join().unwrap()).collect();
    if winners.is_empty() {
        // Both came before it was linked: it sleeps, and the next waker finds it.
        assert!(scene.wake(Wake::Cancelled));
        winners.push(Wake::Cancelled);
    }
    assert_eq!(winners.len(), 1, "one waker wins");
    assert_eq!(*scene.runs.lock().unwrap(), winners, "it runs on once, for the winner's reason");
    assert_eq!(scene.parker.disarm(), None, "no fire reaches the next wait");
}

#[test]
fn one_waker_wins_and_the_thread_runs_on_once() {
    explore(4, || two_wakers(true));
}

#[test]
#[should_panic(expected = "one waker wins")]
fn a_waker_outside_the_lock_reaches_a_later_wait() {
    explore(4, || two_wakers(false));
}

/// As `reactor::wait_many` when one descriptor turns out to be ready: the thread is linked, but does not sleep.
#[test]
fn a_disarmed_parker_keeps_the_reason_of_who_was_faster() {
    explore(4, || {
        let scene = Scene::new(true);
        let waker = {
            let scene = scene.clone();
            thread::spawn(move || scene.wake(Wake::Ready).then_some(Wake::Ready))
        };
        scene.parker.arm();
        *scene.linked.lock().unwrap() = true;
        thread::yield_now();
        *scene.linked.lock().unwrap() = false;
        let told = scene.parker.disarm();
        assert_eq!(told, waker.join().unwrap());
        assert_eq!(scene.parker.fire(Wake::Ready), Fire::Lost, "idle again");
    });
}

/// Signals and cancellation fire without a source's lock, beside a waker that has it.
#[test]
fn an_interruption_and_a_waker_end_a_wait_once() {
    explore(4, || {
        let sleeper = Arc::new(Sleeper::new());
        sleeper.parker.arm();
        let wakers = [Wake::Ready, Wake::Interrupted].map(|why| {
            let sleeper = sleeper.clone();
            thread::spawn(move || sleeper.wake(why).then_some(why))
        });
        let why = sleeper.sleep();
        let winners: Vec<Wake> = wakers.into_iter().filter_map(|w| w.join().unwrap()).collect();
        assert_eq!(winners, [why]);
    });
}

/// `thread::listen`: a signal is only blocked while the thread listens, so that none may be on its way when it goes on. What it
/// hears of its own accord, as a deadline, races with wakers.
fn listener_and_wakers(waits_for_the_signal: bool) {
    let scene = Arc::new((Parker::new(), AtomicU32::new(0)));
    scene.0.arm();
    let wakers = [Wake::Ready, Wake::Cancelled].map(|why| {
        let scene = scene.clone();
        thread::spawn(move || {
            let fire = scene.0.fire(why);
            if fire == Fire::MustSignal {
                scene.1.fetch_add(1, Ordering::SeqCst);
            }
            (fire != Fire::Lost).then_some(why)
        })
    });
    let (parker, signals) = &*scene;
    if parker.commit_listening() && parker.fire(Wake::TimedOut) == Fire::Lost && waits_for_the_signal {
        while signals.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        signals.fetch_sub(1, Ordering::SeqCst);
    }
    let why = parker.take();
    let winners: Vec<Wake> = wakers.into_iter().filter_map(|w| w.join().unwrap()).collect();
    assert_eq!(winners, if why == Wake::TimedOut { vec![] } else { vec![why] });
    assert_eq!(signals.load(Ordering::SeqCst), 0, "no signal is on its way");
}

#[test]
fn a_listener_takes_the_signal_of_who_woke_it() {
    explore(4, || listener_and_wakers(true));
}

#[test]
#[should_panic(expected = "no signal is on its way")]
fn a_listener_that_does_not_wait_for_it_is_hit_later() {
    explore(4, || listener_and_wakers(false));
}
