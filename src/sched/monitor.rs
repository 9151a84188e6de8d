//! The monitor: rescue.
//!
//! One kernel thread that looks every tick, only while somebody runs: whether a permit's tick stands still
//! while threads wait (then its worker is blocked by the kernel or computes, and the permit goes to another),
//! whether events are due that nobody polls for, and whether a queue has waited a tick while a worker sleeps.
//! When everything is asleep it sleeps too, without a deadline: an idle process uses no CPU.

use super::{GLOBAL, permits, pool, source, work_visible};
use crate::atomic::{AtomicU32, Ordering};
use crate::report;
use crate::sys::{self, futex, time};

/// Between two looks.
const TICK: u64 = 2_000_000;
/// Looks without progress before a worker loses its permit.
const PATIENCE: u32 = 3;
/// CPU time that a thread may use, once suspected, before others are given another worker.
const LONGEST_TURN: u64 = 4_000_000;
/// Quiet looks before the monitor itself goes to sleep.
const QUIET_TICKS: u32 = 25;
const STACK: usize = 128 * 1024;

/// 0: not made; 1: awake; 2: asleep until somebody nudges.
static STATE: AtomicU32 = AtomicU32::new(0);
const ABSENT: u32 = 0;
const AWAKE: u32 = 1;
const ASLEEP: u32 = 2;

pub(super) fn start() {
    STATE.store(AWAKE, Ordering::SeqCst);
    if !pool::spawn_kernel_thread(main, core::ptr::null_mut(), STACK) {
        STATE.store(ABSENT, Ordering::SeqCst);
        report::count(report::Event::WorkerRefused);
    }
}

/// Work appeared: the monitor must watch it.
#[inline]
pub(super) fn nudge() {
    if STATE.load(Ordering::Relaxed) == ASLEEP && STATE.swap(AWAKE, Ordering::SeqCst) == ASLEEP {
        futex::wake(&STATE, 1);
    }
}

/// What the monitor remembers of a permit between two looks.
struct Seen {
    tick: u32,
    /// Looks since the tick last moved.
    since: u32,
    /// The holder's CPU time when it was first suspected, 0 before.
    cpu: u64,
}

impl Seen {
    /// Whether the worker behind `tid` is held up by something other than the kernel's scheduler: blocked, or
    /// computing for longer than others should wait. A worker that is merely waiting for a CPU is not helped by
    /// another that would wait for it too.
    fn is_held_up(&mut self, tid: u32) -> bool {
        if !sys::task::is_runnable(tid) {
            return true;
        }
        let cpu = sys::task::cpu_time(tid);
        if self.cpu == 0 {
            self.cpu = cpu;
        }
        cpu.saturating_sub(self.cpu) >= LONGEST_TURN
    }
}

unsafe extern "C-unwind" fn main(_: *mut core::ffi::c_void) -> *mut core::ffi::c_void {
    crate::arch::tls::set_depth(1);
    let mut seen: Vec<Seen> = permits().iter().map(|_| Seen { tick: 0, since: 0, cpu: 0 }).collect();
    let mut quiet = 0;
    loop {
        let _ = futex::wait_until(&STATE, AWAKE, Some(time::after(TICK)));
        if pool::all_asleep() && !work_visible() {
            quiet += 1;
            if quiet >= QUIET_TICKS {
                quiet = 0;
                STATE.store(ASLEEP, Ordering::SeqCst);
                if pool::all_asleep() && !work_visible() {
                    futex::wait(&STATE, ASLEEP);
                }
                STATE.store(AWAKE, Ordering::SeqCst);
            }
            continue;
        }
        quiet = 0;
        look(&mut seen);
    }
}

fn look(seen: &mut [Seen]) {
    // Workers that get on look for events themselves.
    let stuck = permits().iter().zip(seen.iter()).all(|(p, s)| p.tick.load(Ordering::Relaxed) == s.tick);
    if stuck && !pool::is_polling() {
        source().poll();
    }
    if work_visible() {
        // A sleeper takes what waits, from whichever queue: only when all permits are in use is one taken away.
        let sleeper = pool::has_sleepers();
        pool::wake_one();
        if sleeper {
            return;
        }
    }
    for (permit, seen) in permits().iter().zip(seen) {
        let tick = permit.tick.load(Ordering::Relaxed);
        if tick != seen.tick {
            *seen = Seen { tick, since: 0, cpu: 0 };
            continue;
        }
        seen.since += 1;
        if seen.since < PATIENCE || (permit.queue.is_empty() && GLOBAL.is_empty()) {
            continue;
        }
        let holder = permit.holder.load(Ordering::SeqCst);
        // SAFETY: workers are never freed.
        if !holder.is_null() && unsafe { seen.is_held_up((*holder).tid()) && (*holder).rescue(tick) } {
            report::count(report::Event::Rescue);
            seen.since = 0;
        }
    }
}

/// # Safety
/// The caller is the only thread of a forked child.
pub(super) unsafe fn after_fork() {
    STATE.store(ABSENT, Ordering::Relaxed);
}
