//! Permits between a worker, the monitor and a spare worker: never held by two, never lost, and never gone from a run
//! that has just begun.

use crate::explore;
use greenlet_engine::sched::seat::Seat;
use loom::cell::UnsafeCell;
use loom::sync::Mutex;
use loom::thread;
use std::ptr::null_mut;
use std::sync::Arc;

/// A permit: who holds it in a worker's loop has it alone, and loom reports whoever touches it beside.
struct Permit {
    uses: UnsafeCell<u32>,
}

struct Scene {
    permit: Permit,
    seat: Seat<Permit>,
    /// Permits on their way to a worker: `pool`, under its lock.
    free: Mutex<Vec<usize>>,
    /// `stop` waits until a permit that was lost has gone. The twin does not.
    waits: bool,
}

// SAFETY: the permit is touched by its holder alone, which is what the model is to show: loom checks each access.
unsafe impl Sync for Scene {}
// SAFETY: as above.
unsafe impl Send for Scene {}

impl Scene {
    fn new(waits: bool) -> Arc<Scene> {
        let scene =
            Scene { permit: Permit { uses: UnsafeCell::new(0) }, seat: Seat::new(), free: Mutex::default(), waits };
        let scene = Arc::new(scene);
        scene.seat.give((&raw const scene.permit).cast_mut());
        scene
    }

    /// Somebody with the permit in its loop: takes work from its queue, say.
    fn use_permit(&self) {
        // SAFETY: loom checks that nobody else is here.
        self.permit.uses.with_mut(|uses| unsafe { *uses += 1 });
    }

    /// Mirrors `Worker::run`; `thread` is what the green thread does. Whether the permit is still there.
    fn run(&self, tick: u32, thread: impl FnOnce()) -> bool {
        self.seat.run(tick);
        thread();
        if self.waits { self.seat.stop(tick, thread::yield_now) } else { self.seat.keep(tick) }
    }

    /// Mirrors `Worker::rescue` with `pool::hand_over`, and `Worker::give_up_permit`.
    fn take_from_run(&self, tick: u32) -> bool {
        let permit = self.seat.lose(tick);
        if permit.is_null() {
            return false;
        }
        self.free.lock().unwrap().push(permit as usize);
        true
    }

    /// Mirrors `pool::take_free`.
    fn take_free(&self) -> *mut Permit {
        self.free.lock().unwrap().pop().map_or(null_mut(), |p| p as *mut Permit)
    }

    /// Mirrors `Worker::regain_permit`, which runs in the tick that the permit was given up in.
    fn regain(&self, tick: u32) -> bool {
        let permit = self.take_free();
        if permit.is_null() {
            return false;
        }
        self.seat.give(permit);
        self.seat.run(tick);
        true
    }

    /// Another worker that gets the permit if it is free, uses it, and gives it back.
    fn other_worker(&self) {
        let permit = self.take_free();
        if !permit.is_null() {
            self.use_permit();
            self.free.lock().unwrap().push(permit as usize);
        }
    }

    fn permits(&self) -> usize {
        self.free.lock().unwrap().len() + !self.seat.permit().is_null() as usize
    }
}

/// A worker runs two threads while the monitor takes its permit from the first, and another worker gets it.
fn rescued_at_the_end_of_a_run(waits: bool) {
    let scene = Scene::new(waits);
    let monitor = {
        let scene = scene.clone();
        thread::spawn(move || {
            if scene.take_from_run(1) {
                scene.other_worker();
            }
        })
    };
    let kept = scene.run(1, || {});
    assert!(!kept || !scene.seat.permit().is_null());
    if !scene.seat.permit().is_null() {
        scene.use_permit();
        scene.run(2, || {});
        assert!(!scene.seat.permit().is_null(), "nobody may take the permit from the second run");
        scene.use_permit();
    }
    monitor.join().unwrap();
    assert_eq!(scene.permits(), 1);
}

#[test]
fn a_run_that_ends_while_it_is_rescued_loses_the_permit_or_keeps_it() {
    explore(5, || rescued_at_the_end_of_a_run(true));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_worker_that_does_not_wait_for_the_taker_runs_on_without_a_permit() {
    explore(5, || rescued_at_the_end_of_a_run(false));
}

/// The thread gives the permit up before a blocking call and takes one back, while the monitor takes it too.
#[test]
fn offload_and_rescue_take_a_permit_once() {
    explore(4, || {
        let scene = Scene::new(true);
        let monitor = {
            let scene = scene.clone();
            thread::spawn(move || scene.take_from_run(1))
        };
        let other = {
            let scene = scene.clone();
            thread::spawn(move || scene.other_worker())
        };
        let kept = scene.run(1, || {
            if scene.take_from_run(1) {
                scene.regain(1);
            }
        });
        assert_eq!(kept, !scene.seat.permit().is_null());
        if kept {
            scene.use_permit();
        }
        monitor.join().unwrap();
        other.join().unwrap();
        assert_eq!(scene.permits(), 1);
    });
}

/// The monitor saw the first run stuck; it must not hit the second.
#[test]
fn a_late_rescue_does_not_hit_the_next_run() {
    explore(5, || {
        let scene = Scene::new(true);
        let monitor = {
            let scene = scene.clone();
            thread::spawn(move || scene.take_from_run(1))
        };
        let first = scene.run(1, || {});
        if first {
            assert!(scene.run(2, || {}), "the rescue was meant for the run before");
        }
        assert_eq!(monitor.join().unwrap(), !first);
        assert_eq!(scene.permits(), 1);
    });
}
