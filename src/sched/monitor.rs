//! The monitor: rescue.
//!
//! One kernel thread that looks every tick, only while somebody runs: whether a permit's tick stands still
//! while threads wait (then its worker is blocked by the kernel, and the permit goes to another, or computes: then the thread
//! is asked to yield, and if it does not, the permit goes to another),
//! whether events are due that nobody polls for, and whether a queue has waited a tick while a worker sleeps.
//! When everything is asleep it sleeps too, without a deadline: an idle process uses no CPU.

use super::{is_any_in_background, is_any_in_time, permits, pool, scout, source, work_visible};
use crate::atomic::{AtomicU32, Ordering};
use crate::report;
use crate::signal::preempt;
use crate::sys::task::State;
use crate::sys::{self, futex, time};
use crate::thread::exit;

/// Between two looks.
const TICK: u64 = 2_000_000;
/// Looks without progress before a worker is suspected.
const PATIENCE: u32 = 2;
/// CPU time that a thread may use, once suspected, before others are given another worker.
const LONGEST_TURN: u64 = 4_000_000;
/// Looks after which a thread that has not had as much, because others have the CPUs, is asked to yield all the same.
const LONGEST_WAIT: u32 = 6;
/// For how long such a thread is asked to yield, and what is between two times: it may be where it cannot, mostly.
const PERSISTENCE: u64 = 20_000_000;
const ASK_AGAIN: u64 = 100_000;
/// How many kernel threads more than permits rescue may make at once for workers that are merely held up. A disk that stalls
/// for a moment, or a machine with too few CPUs (the owner of a kernel lock waits for one), holds up one worker after the
/// other, and more threads do not help. A worker that stays held up for that many looks gets one all the same, one worker in
/// each interval. What waits for something from outside gets its own at once.
const FEW: usize = 2;
const LASTING: u32 = 25;
const GROWTH_INTERVAL: u64 = time::SECOND / 2;
/// The same for those that compute where they cannot be made to yield.
const GROWTH_INTERVAL_OF_DEAF: u64 = time::SECOND / 100;
/// Quiet looks before the monitor itself goes to sleep.
const QUIET_TICKS: u32 = 25;
const STACK: usize = 128 * 1024;

static STATE: AtomicU32 = AtomicU32::new(ABSENT);
/// Not made.
const ABSENT: u32 = 0;
const AWAKE: u32 = 1;
/// Asleep until somebody nudges.
const ASLEEP: u32 = 2;

/// Set at each look, taken by a worker: look at the event source and the global queue.
static TICKED: AtomicU32 = AtomicU32::new(0);

/// Its kernel thread's id, 0 before it runs.
static TID: AtomicU32 = AtomicU32::new(0);

/// A kernel thread whose state nobody changes: what the kernel keeps for a thread that has changed nothing. 0, the caller,
/// where there is none.
pub fn tid() -> u32 {
    TID.load(Ordering::Relaxed)
}

pub(super) fn is_absent() -> bool {
    STATE.load(Ordering::Relaxed) == ABSENT
}

pub(super) fn start() {
    STATE.store(AWAKE, Ordering::SeqCst);
    // SAFETY: `main` looks at no argument.
    if unsafe { !pool::spawn_kernel_thread(main, core::ptr::null_mut(), STACK) } {
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

/// Whether the monitor has ticked since a worker last asked.
#[inline]
pub(super) fn take_tick() -> bool {
    TICKED.load(Ordering::Relaxed) != 0 && TICKED.swap(0, Ordering::Relaxed) != 0
}

/// What the monitor remembers of a permit between two looks.
#[derive(Default)]
struct Seen {
    tick: u32,
    /// Looks since the tick last moved.
    since: u32,
    suspicion: Option<Suspicion>,
    /// It was asked to yield, and has not.
    is_deaf: bool,
}

/// A thread that is to yield.
struct Request {
    /// Which permit's.
    of: usize,
    tick: u32,
    /// When it is given up.
    until: u64,
}

impl Request {
    /// Whether it was made, and may be granted.
    fn make(&self) -> bool {
        let permit = &permits()[self.of];
        let holder = permit.holder.load(Ordering::SeqCst);
        // SAFETY: workers are never freed.
        permit.tick.load(Ordering::Relaxed) == self.tick
            && unsafe { holder.as_ref() }.is_some_and(|holder| preempt::ask(holder, self.tick))
    }
}

/// What the holder of a permit whose tick stands still had used of the CPU.
struct Suspicion {
    at_first: u64,
    at_last: u64,
    was_blocked: bool,
}

/// What a worker is held up by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Held {
    /// Its own work, or that of others on its CPU.
    Crowded,
    /// Its own work.
    Computing,
    /// The machine, or another thread.
    Inside,
    /// Something that may never come.
    Outside,
}

impl Seen {
    /// Whether, and by what, the worker behind `tid` is held up by something other than the kernel's scheduler: blocked from one
    /// look to the next, or computing for longer than others should wait. One that was seen blocked once may be
    /// waiting for a page or for the kernel's lock of the address space, and one that merely waits for a CPU is not
    /// helped by another that would wait for it too; but may yield to it.
    fn held_up(&mut self, tid: u32) -> Option<Held> {
        let state = scout::send(|| sys::task::state_of(tid));
        let blocked = state != State::Runnable;
        let cpu = sys::task::cpu_time(tid);
        let before = self.suspicion.get_or_insert(Suspicion { at_first: cpu, at_last: cpu, was_blocked: false });
        let stays_blocked = blocked && before.was_blocked && cpu == before.at_last;
        let computes = cpu.saturating_sub(before.at_first) >= LONGEST_TURN;
        (before.at_last, before.was_blocked) = (cpu, blocked);
        match state {
            State::Waiting if stays_blocked => Some(Held::Outside),
            _ if stays_blocked => Some(Held::Inside),
            _ if computes => Some(Held::Computing),
            _ => (!blocked && self.since >= LONGEST_WAIT).then_some(Held::Crowded),
        }
    }
}

/// When rescue last made more kernel threads than a few.
#[derive(Default)]
struct Growth(u64);

impl Growth {
    /// Whether it takes no more than the few kernel threads that rescue may make at once.
    fn is_small(&self) -> bool {
        pool::has_surplus() || pool::in_use() < permits().len() + FEW
    }

    /// Whether a rescue may go ahead, after `looks` without progress: a spare worker takes the permit, or a kernel thread may
    /// be made.
    fn allows(&mut self, why: Held, looks: u32) -> bool {
        if why == Held::Outside || self.is_small() {
            return true;
        }
        let now = time::now();
        let allowed = match why {
            Held::Computing => now - self.0 >= GROWTH_INTERVAL_OF_DEAF,
            _ => looks >= LASTING && now - self.0 >= GROWTH_INTERVAL,
        };
        if allowed {
            self.0 = now;
        }
        allowed
    }
}

unsafe extern "C-unwind" fn main(_: *mut core::ffi::c_void) -> *mut core::ffi::c_void {
    crate::arch::tls::set_depth(1);
    TID.store(sys::gettid(), Ordering::Relaxed);
    let mut seen: Vec<Seen> = permits().iter().map(|_| Seen::default()).collect();
    let mut growth = Growth::default();
    let mut quiet = 0;
    let mut request: Option<Request> = None;
    let mut next_look = 0;
    loop {
        let pause = if request.is_some() { ASK_AGAIN } else { TICK };
        let _ = futex::wait_until(&STATE, AWAKE, Some(time::after(pause).into()));
        if let Some(asked) = &request {
            let now = time::now();
            if now < asked.until && asked.make() {
                if now < next_look {
                    continue;
                }
            } else {
                seen[asked.of].is_deaf = now >= asked.until;
                request = None;
            }
        }
        next_look = time::after(TICK);
        if exit::waits_for_the_last() {
            exit::look_for_the_last();
            quiet = 0;
        }
        if pool::all_asleep() && !work_visible() {
            quiet += 1;
            if quiet >= QUIET_TICKS {
                quiet = 0;
                if STATE.compare_exchange(AWAKE, ASLEEP, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
                    if pool::all_asleep() && !work_visible() && !exit::waits_for_the_last() {
                        futex::wait(&STATE, ASLEEP);
                    }
                    STATE.store(AWAKE, Ordering::SeqCst);
                }
            }
            continue;
        }
        quiet = 0;
        look(&mut seen, &mut growth, &mut request);
    }
}

fn look(seen: &mut [Seen], growth: &mut Growth, request: &mut Option<Request>) {
    TICKED.store(1, Ordering::Relaxed);
    crate::signal::route::collect_from_kernel(crate::sys::sig::ALL);
    // Workers that get on look for events themselves.
    let stuck = permits().iter().zip(seen.iter()).all(|(p, s)| p.tick.load(Ordering::Relaxed) == s.tick);
    if stuck && !pool::is_polling() {
        source().poll();
    }
    let mut is_unstaffed = false;
    if work_visible() {
        // A sleeper takes what waits, from whichever queue: only when all permits are in use is one taken away.
        let sleeper = pool::has_sleepers();
        pool::wake_sleeper();
        is_unstaffed = sleeper && pool::is_unstaffed();
        if is_unstaffed {
            pool::use_first();
            free_worker();
        } else if sleeper {
            return;
        }
    }
    for (of, (permit, seen)) in permits().iter().zip(seen).enumerate() {
        let tick = permit.tick.load(Ordering::Relaxed);
        if tick != seen.tick {
            *seen = Seen { tick, ..Seen::default() };
            continue;
        }
        seen.since += 1;
        let has_waiters = !permit.queue.is_empty() || is_any_in_time();
        let holder = permit.holder.load(Ordering::SeqCst);
        // SAFETY: workers are never freed.
        let Some(holder) = (unsafe { holder.as_ref() }) else { continue };
        let is_patient = seen.is_deaf || !(has_waiters && holder.runs_background());
        if is_patient && (seen.since < PATIENCE || !(has_waiters || is_any_in_background())) {
            continue;
        }
        let why = if is_patient { seen.held_up(holder.tid()) } else { Some(Held::Crowded) };
        let Some(why) = why else { continue };
        if is_unstaffed && why != Held::Computing {
            // Its permit would lie there beside that one, and to ask it could end a call that it makes.
            continue;
        }
        // Without its permit it would go on all the same, and nobody with it: the recruiter may wait for one that does not run.
        let must_wait = why == Held::Computing && !pool::has_spare();
        // One a look: it may be all that the others waited for.
        let yields = must_wait || why == Held::Crowded || why == Held::Computing && !growth.is_small();
        if yields && !seen.is_deaf {
            let first = Request { of, tick, until: time::after(PERSISTENCE) };
            if request.is_some() {
                continue;
            } else if first.make() {
                *request = Some(first);
                return;
            }
        }
        if why == Held::Crowded || must_wait {
            seen.is_deaf = false;
            continue;
        }
        if growth.allows(why, seen.since) && holder.rescue(tick) {
            report::count(report::Event::Rescue);
            *seen = Seen { tick, ..Seen::default() };
            return;
        }
    }
}

/// A permit waits for a worker, and threads for it: one that computes on a worker that has lost its permit leaves it to them. The recruiter
/// may wait for one of them.
fn free_worker() {
    let mut asked = false;
    super::each_worker(|w| asked |= !asked && w.computes_aside().is_some_and(|tick| preempt::ask(w, tick)));
}

/// # Safety
/// The caller is the only thread of a forked child.
pub(super) unsafe fn after_fork() {
    STATE.store(ABSENT, Ordering::Relaxed);
    TID.store(0, Ordering::Relaxed);
}
