//! Who runs next: workers, permits, queues.
//!
//! A *worker* is a kernel thread; it runs green threads while it holds one of N *permits*, each with a run
//! queue. Workers without a permit are spare: they come from rescue and offload, where a worker that the
//! kernel blocks loses its permit to another. The scheduler knows neither descriptors nor clocks: it idles
//! in an [`EventSource`] that it is given at start.
//!
//! Who may sleep where (all under the pool's lock; see `pool`):
//!
//! | worker  | permit | sleeps in            | woken by                         |
//! |---------|--------|----------------------|----------------------------------|
//! | poller  | yes    | the event source     | events, its notifier             |
//! | idle    | yes    | its futex            | a push that sees it, the monitor |
//! | spare   | no     | its futex            | a hand-over                      |
//!
//! Rejected: waking another worker at every push, as Go does. A kernel wake costs a hundred local switches,
//! and a program under one big lock (CPython) would pay it for nothing; a backlog wakes, and the monitor
//! (`monitor`) wakes for whatever has waited a tick.

mod monitor;
mod pool;
mod queue;
pub mod recruiter;
pub mod scout;
mod seat;
mod sleepers;
mod strand;
mod worker;

pub use monitor::tid as default_tid;
pub use pool::{counts, first as first_worker, is_polling, spawn_kernel_thread};
pub use queue::Queue;
pub use worker::{Worker, each_worker, make_home};

use crate::arch::{self, tls};
use crate::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering, fence};
use crate::sys::{self, sig, time};
use crate::thread::Thread;
use core::ptr::null;

/// The right to run green threads, with the queue that goes with it.
pub struct Permit {
    pub queue: Queue,
    /// Bumped at every switch; the monitor looks whether it moves.
    pub tick: AtomicU32,
    /// The worker that holds it, null while it changes hands.
    pub holder: AtomicPtr<Worker>,
}

impl Permit {
    fn new() -> Permit {
        Permit { queue: Queue::new(), tick: AtomicU32::new(0), holder: AtomicPtr::new(core::ptr::null_mut()) }
    }
}

/// Where idle workers wait. `poll` and `wait` make due threads runnable through [`ready`].
pub trait EventSource: Sync {
    /// Delivers what is due now, without blocking; how many threads that woke.
    fn poll(&self) -> usize;
    /// Blocks until something is due, [`EventSource::notify`] is called, or a signal arrives.
    fn wait(&self);
    /// Ends a `wait` that is under way, or the next one.
    fn notify(&self);
}

/// Why a green thread came back to its worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Its parker is armed; sleep unless fired.
    Park,
    /// Run it again after the others.
    Yield,
    /// It computes: run it again when no others are runnable, or in between.
    Preempt,
}

/// Runnable threads that no permit owns yet: wakes from workers without a permit.
pub(crate) static GLOBAL: Queue = Queue::new();
/// Wakes from outside: by foreign threads, and by what the monitor, or a worker that was late, found in the event source. They go
/// before the others where somebody has been late.
static OUTSIDE: Queue = Queue::new();
/// Those that were made to yield. What has waited goes before what has had its turn: a thread that sleeps, or serves, does not
/// wait for all that compute.
static BACKGROUND: Queue = Queue::new();
static PERMITS: AtomicPtr<Permit> = AtomicPtr::new(core::ptr::null_mut());
static PERMIT_COUNT: AtomicUsize = AtomicUsize::new(0);
static SOURCE: AtomicPtr<&'static dyn EventSource> = AtomicPtr::new(core::ptr::null_mut());

/// How many runnable threads in one queue call for another worker.
const BACKLOG: u32 = 4;

pub(crate) fn permits() -> &'static [Permit] {
    let n = PERMIT_COUNT.load(Ordering::Relaxed);
    let p = PERMITS.load(Ordering::Acquire);
    if p.is_null() {
        return &[];
    }
    // SAFETY: set once by `start` to a leaked slice of that length.
    unsafe { core::slice::from_raw_parts(p, n) }
}

pub(crate) fn source() -> &'static dyn EventSource {
    // SAFETY: `start` stores it before any worker exists.
    unsafe { *SOURCE.load(Ordering::Acquire) }
}

/// Starts the scheduler: makes the permits, adopts `main` (running on the calling kernel thread) as the
/// thread of worker 0, and makes the monitor and the recruiter, who makes the other workers when they are wanted.
///
/// # Safety
/// Called once per process image, before any green thread is readied. `main` is the calling thread's
/// record; `loop_tp` and `loop_stack` are a TCB and the top of a stack for worker 0's own loop.
pub unsafe fn start(
    workers: usize, events: &'static dyn EventSource, main: *const Thread, loop_tp: usize, loop_stack: usize,
) {
    let mut permits = Vec::with_capacity(workers);
    permits.resize_with(workers, Permit::new);
    PERMITS.store(permits.leak().as_mut_ptr(), Ordering::Release);
    PERMIT_COUNT.store(workers, Ordering::Relaxed);
    SOURCE.store(Box::leak(Box::new(events)), Ordering::Release);
    // SAFETY: the caller's promise.
    unsafe { worker::adopt(main, loop_tp, loop_stack) };
    pool::start();
}

/// The worker whose kernel thread this is, null on foreign and bound threads.
#[inline]
pub fn this_worker() -> *const Worker {
    let t = tls::current();
    if t.is_null() {
        return arch::tls_worker();
    }
    // SAFETY: the current thread's record is alive.
    unsafe { if (*t).is_bound() { null() } else { (*t).worker.get() } }
}

/// Makes a thread runnable. Called by whoever fired its parker, or once for a new thread.
pub fn ready(t: *const Thread) {
    tls::enter();
    if strand::may_run(t) {
        ready_now(t);
    }
    tls::leave();
}

/// The same for a thread that may run beside all others, or has the turn.
fn ready_now(t: *const Thread) {
    let w = this_worker();
    // SAFETY: workers are never freed.
    if w.is_null() || unsafe { (*w).is_overdue() } {
        OUTSIDE.push(t);
        pool::wake_one();
        return;
    }
    // SAFETY: as above.
    let permit = unsafe { (*w).permit() };
    if permit.is_null() {
        inject(t);
    } else {
        // SAFETY: permits are never freed.
        let queue = unsafe { &(*permit).queue };
        queue.push(t);
        // SAFETY: workers are never freed.
        unsafe { (*w).make_room_for_waiters() };
        // SAFETY: as above. The permit may just have been taken from this worker, and its new holder may
        // be about to sleep: it looks at the queue after taking it, we look at the holder after pushing.
        if unsafe { (*w).permit() } != permit || queue.len() >= BACKLOG {
            pool::wake_one();
        }
    }
}

/// Makes a thread runnable by any worker.
pub(crate) fn inject(t: *const Thread) {
    GLOBAL.push(t);
    pool::wake_one();
}

/// Whether anything that no permit owns is runnable and has not been made to yield.
fn is_any_in_time() -> bool {
    !GLOBAL.is_empty() || !OUTSIDE.is_empty()
}

fn is_any_in_background() -> bool {
    !BACKGROUND.is_empty()
}

/// Whether anything is runnable that no permit owns.
fn is_any_shared() -> bool {
    is_any_in_time() || is_any_in_background()
}

/// Whether anything is runnable anywhere.
pub(crate) fn work_visible() -> bool {
    is_any_shared() || permits().iter().any(|p| !p.queue.is_empty())
}

/// Suspends the calling green thread, whose parker is armed, until a waker fires it.
pub fn park(t: &Thread) {
    t.suspend(Action::Park);
}

/// Lets others run first.
pub fn yield_now(t: &Thread) {
    t.suspend(Action::Yield);
}

/// Lets others run first, and after that what has waited meanwhile.
pub fn preempted(t: &Thread) {
    t.suspend(Action::Preempt);
}

/// A signal handler ran in a worker's loop: should the worker be about to sleep, with its last look behind it, it
/// must not. Async-signal-safe.
pub fn stir() {
    // SAFETY: workers are never freed.
    if let Some(w) = unsafe { arch::tls_worker().as_ref() } {
        pool::stir(w);
    }
}

/// Main blocks `set` from now on: sleeping workers, which have its mask, must not take it, and the kernel must not apply a
/// default action through them. Waits for each: on a machine with much else to do it takes a while until one has a CPU.
pub fn remask_sleepers(set: sig::Mask) {
    const PATIENCE: u64 = 2 * time::SECOND;
    fence(Ordering::SeqCst);
    let deadline = time::after(PATIENCE);
    each_worker(|w| {
        while w.lets_through(set) && time::now() < deadline {
            pool::rouse(w);
            sys::sched_yield();
        }
    });
}

/// The monitor is to look every tick from now on, whoever sleeps.
pub fn keep_looking() {
    monitor::nudge();
}

/// Kernel threads of ours that never run the program's code, the monitor apart.
static HELPERS: [AtomicU32; MOST_HELPERS + 1] = [const { AtomicU32::new(0) }; MOST_HELPERS + 1];
/// Beside the scout.
pub const MOST_HELPERS: usize = 16;

/// The calling kernel thread is one of those from now on.
pub fn become_helper() {
    let tid = sys::gettid();
    let _ = HELPERS.iter().any(|h| h.compare_exchange(0, tid, Ordering::SeqCst, Ordering::Relaxed).is_ok());
}

/// In a forked child, which has none.
pub fn forget_helpers() {
    for helper in &HELPERS {
        helper.store(0, Ordering::Relaxed);
    }
}

/// Whether the process has kernel threads that are neither workers nor the first one: the program's own.
pub fn has_foreign_threads() -> bool {
    sys::task::any(|tid| {
        let mut ours = [sys::getpid() as u32, monitor::tid(), recruiter::tid()].contains(&tid);
        ours |= HELPERS.iter().any(|helper| helper.load(Ordering::SeqCst) == tid);
        each_worker(|w| ours |= w.tid() == tid);
        !ours
    })
}

/// A deadline became the earliest: a poller that sleeps past it must look again.
pub fn deadline_moved() {
    fence(Ordering::SeqCst);
    if pool::is_polling() && arch::tls_worker().is_null() {
        source().notify();
    }
}

/// Gives the permit of the calling green thread's worker to another: the thread is about to be blocked by
/// the kernel, after [`wait_for_reserve`]. Does nothing on foreign and bound threads. Returns whether [`onload`] must follow.
pub fn offload() -> bool {
    tls::enter();
    let w = this_worker();
    // SAFETY: workers are never freed.
    let gave = !w.is_null() && unsafe { (*w).give_up_permit() };
    let gave_turn = pass_turn();
    tls::leave();
    gave || gave_turn
}

/// The calling thread is about to take its kernel thread away from the others. Not the last one, while another is being made: that may
/// need one of them. Not for ever: what that needs may also be the calling thread's call.
pub fn wait_for_reserve() {
    const PATIENCE: u64 = time::SECOND;
    if !recruiter::is_at_it() {
        return;
    }
    let until = time::after(PATIENCE);
    tls::enter();
    while recruiter::is_at_it() && !pool::has_spare() && time::now() < until {
        if crate::thread::current().is_none_or(Thread::is_bound) {
            break;
        }
        step_aside();
    }
    tls::leave();
}

/// The calling thread, which waits for the recruiter, lets others run: also whom that one waits for, who may be behind it on its CPU.
fn step_aside() {
    const NAP: u64 = time::SECOND / 20_000;
    if let Some(t) = crate::thread::current().filter(|t| !t.is_bound()) {
        tls::enter();
        t.suspend(Action::Yield);
        tls::leave();
    }
    if !work_visible() {
        time::pause(NAP);
    }
}

/// The calling thread is about to wait where it does not park: another greenlet may run meanwhile. Whether the caller takes turns.
fn pass_turn() -> bool {
    // SAFETY: the current record is alive.
    unsafe { tls::current().as_ref() }.is_some_and(pass_turn_of)
}

fn pass_turn_of(t: &Thread) -> bool {
    let takes_turns = t.takes_turns();
    if takes_turns && let Some(next) = strand::pass(t) {
        ready_now(next);
    }
    takes_turns
}

/// The thread, which is the caller or is about to run on a kernel thread of its own, takes no turns from now on.
pub fn end_turns(t: &Thread) {
    pass_turn_of(t);
    t.set_takes_turns(false);
}

/// The calling green thread is a greenlet from now on, and has the turn when this returns.
pub fn begin_turns(t: &Thread) {
    tls::enter();
    t.set_takes_turns(true);
    if !strand::try_take(t) {
        t.suspend(Action::Yield);
    }
    tls::leave();
}

/// Ends [`offload`]: takes a free permit, or queues for one.
pub fn onload() {
    tls::enter();
    let t = tls::current();
    // SAFETY: called on the green thread that called `offload`; it has not been switched since.
    unsafe {
        if !t.is_null() && !(*t).is_bound() {
            let has_turn = !(*t).takes_turns() || strand::try_take(t);
            if !has_turn || !(*(*t).worker.get()).regain_permit() {
                (*t).suspend(Action::Yield);
            }
        }
    }
    tls::leave();
}

/// Whether the calling green thread may take its worker's kernel thread away: others are left with one, and it is not the first one, which
/// is main's.
pub fn can_bind() -> bool {
    tls::enter();
    leave_first_worker();
    // SAFETY: workers are never freed.
    let may = crate::thread::current().zip(unsafe { this_worker().as_ref() }).is_some_and(|(t, w)| {
        (crate::thread::is_main(t) || !w.is_first()) && (pool::has_others(w) || recruiter::is_at_it())
    });
    tls::leave();
    may
}

/// Gives the calling green thread its worker's kernel thread for good. It parks on a futex from now on.
pub fn bind() {
    tls::enter();
    let t = tls::current();
    // SAFETY: the current record is alive; a thread binds itself only.
    unsafe {
        if !t.is_null() && !(*t).is_bound() {
            end_turns(&*t);
            let w = (*t).worker.get();
            (*w).give_up_permit();
            (*w).retire();
            (*t).set_bound();
        }
    }
    tls::leave();
}

/// The kernel thread that the calling green thread runs on now does not end before the process.
pub fn keep_kernel_thread() {
    tls::enter();
    let w = this_worker();
    // SAFETY: workers are never freed.
    if let Some(w) = unsafe { w.as_ref() } {
        w.keep();
    }
    tls::leave();
}

/// The calling thread, which is inside the runtime, moves off the first worker unless it is main: that kernel thread's own. It stays
/// where the kernel makes no other.
pub fn leave_first_worker() {
    let Some(t) = crate::thread::current().filter(|t| !crate::thread::is_main(*t)) else { return };
    // SAFETY: workers are never freed.
    while unsafe { (*t.worker.get()).is_first() } && (pool::has_spare() || recruiter::is_at_it()) {
        pool::shun_first();
        // SAFETY: as above.
        unsafe { (*t.worker.get()).give_up_permit() };
        t.suspend(Action::Yield);
        pool::end_shun();
    }
}

/// Forgets the scheduler of the parent.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork() {
    // SAFETY: the caller's promise, passed on.
    unsafe {
        GLOBAL.reset();
        OUTSIDE.reset();
        BACKGROUND.reset();
        pool::after_fork();
        worker::after_fork();
        monitor::after_fork();
        recruiter::after_fork();
        scout::after_fork();
        strand::after_fork();
    }
    PERMITS.store(core::ptr::null_mut(), Ordering::Relaxed);
    PERMIT_COUNT.store(0, Ordering::Relaxed);
}
