//! A worker: the loop that finds a thread and runs it, and the moment of the switch.
//!
//! Worker 0 is the process's first kernel thread. While the main thread runs, its loop is suspended on a
//! stack and TCB of its own; when main parks, it swaps to that loop. The other workers are pthreads that
//! libc made, detached, with the loop as start routine.

use super::seat::{Seat, TICK_MASK};
use super::{Action, BACKGROUND, GLOBAL, OUTSIDE, Permit, monitor, permits, pool, recruiter, scout, source, strand};
use crate::arch::{self, FpControl, tls};
use crate::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering, fence};
use crate::report::Parks;
use crate::signal::SharedMask;
use crate::signal::altstack::{self, AltStack};
use crate::sys::task::State;
use crate::sys::{self, futex, sig};
use crate::thread::{self, Resumed, Thread};
use core::cell::Cell;
use core::ptr::{null, null_mut};

/// How many switches between two looks at the global queue, and at the event source. Coprime, so that
/// the two do not always fall together.
const GLOBAL_EVERY: u32 = 61;
const EVENTS_EVERY: u32 = 128;
/// How many of the monitor's ticks between two turns of those that compute, while others keep the workers busy.
const BACKGROUND_EVERY: u32 = 4;

/// Every worker ever made, in this process.
static WORKERS: AtomicPtr<Worker> = AtomicPtr::new(null_mut());

pub struct Worker {
    /// The permit, and who may take it.
    seat: Seat<Permit>,
    /// 1: go on.
    pub(super) futex: AtomicU32,
    /// Link of the pool's lists, under its lock.
    pub(super) next: Cell<*const Worker>,
    /// Where the loop is suspended while an adopted thread runs here.
    context: Cell<usize>,
    tp: Cell<usize>,
    pub(super) tid: AtomicU32,
    /// The thread it runs, for diagnostics and for signals.
    pub(super) running: AtomicPtr<Thread>,
    tick: Cell<u32>,
    /// The run that is to yield.
    asked: AtomicU32,
    /// The thread that runs has been made to yield before, and waited since only for that.
    background: AtomicBool,
    /// Its last thread computed until it was made to yield, or the permit is from a worker that was held up: what has come meanwhile
    /// goes before what waits in the permit's queue.
    overdue: Cell<bool>,
    /// Its last thread let others go first: those that compute too, or one that waits for them by yielding would have the CPU.
    yielded: Cell<bool>,
    /// Ticks of the monitor that it has taken.
    dues: Cell<u32>,
    fp: Cell<FpControl>,
    /// The kernel thread's signal mask.
    mask: SharedMask,
    /// Its alternate stack.
    pub alt: Cell<AltStack>,
    retired: Cell<bool>,
    /// A child's parent, which is not to end.
    kept: Cell<bool>,
    /// Worker 0, whose kernel thread is the process's first.
    first: Cell<bool>,
    /// The main thread, sent home by another worker: run before anything else.
    pub(super) mailbox: AtomicPtr<Thread>,
    /// How often threads parked here.
    pub parks: Parks,
    /// Link of `WORKERS`.
    older: Cell<*const Worker>,
}

/// Looks at every worker ever made.
pub fn each_worker(mut look: impl FnMut(&Worker)) {
    let mut at: *const Worker = WORKERS.load(Ordering::Acquire);
    // SAFETY: workers are never freed, and their link does not change once they are in the list.
    while let Some(w) = unsafe { at.as_ref() } {
        look(w);
        at = w.older.get();
    }
}

/// # Safety
/// The caller is the only thread of a forked child, and runs on none of its parent's workers.
pub(super) unsafe fn after_fork() {
    WORKERS.store(null_mut(), Ordering::Relaxed);
}

impl Worker {
    /// One whose kernel thread is to be made: a new one, or one whose kernel thread has ended.
    pub(super) fn unused() -> &'static Worker {
        match pool::take_unused() {
            Some(w) => {
                w.begin_anew();
                w
            }
            None => Worker::new(),
        }
    }

    /// What is counted goes on: ticks, so that nobody takes a run for another, and parks.
    fn begin_anew(&self) {
        self.seat.reset();
        self.futex.store(0, Ordering::Relaxed);
        self.asked.store(u32::MAX, Ordering::Relaxed);
        self.background.store(false, Ordering::Relaxed);
        self.overdue.set(true);
        self.yielded.set(false);
        self.retired.set(false);
        self.kept.set(false);
    }

    fn new() -> &'static Worker {
        let w: &'static Worker = Box::leak(Box::new(Worker {
            seat: Seat::new(),
            futex: AtomicU32::new(0),
            next: Cell::new(core::ptr::null()),
            context: Cell::new(0),
            tp: Cell::new(0),
            tid: AtomicU32::new(0),
            running: AtomicPtr::new(null_mut()),
            tick: Cell::new(0),
            asked: AtomicU32::new(u32::MAX),
            background: AtomicBool::new(false),
            overdue: Cell::new(true),
            yielded: Cell::new(false),
            dues: Cell::new(0),
            fp: Cell::new(FpControl::DEFAULT),
            mask: SharedMask::new(0),
            alt: Cell::new(AltStack::NONE),
            retired: Cell::new(false),
            kept: Cell::new(false),
            first: Cell::new(false),
            mailbox: AtomicPtr::new(null_mut()),
            parks: Parks::new(),
            older: Cell::new(null()),
        }));
        let mut newest = WORKERS.load(Ordering::Relaxed);
        loop {
            w.older.set(newest);
            let this = (w as *const Worker).cast_mut();
            match WORKERS.compare_exchange_weak(newest, this, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return w,
                Err(now) => newest = now,
            }
        }
    }

    #[inline]
    pub fn permit(&self) -> *const Permit {
        self.seat.permit()
    }

    pub(super) fn set_permit(&self, p: *const Permit) {
        self.seat.give(p.cast_mut());
        if !p.is_null() {
            // SAFETY: permits are never freed.
            unsafe { (*p).holder.store((self as *const Worker).cast_mut(), Ordering::SeqCst) };
        }
    }

    pub(super) fn take_permit(&self) -> *const Permit {
        self.seat.take()
    }

    pub fn is_first(&self) -> bool {
        self.first.get()
    }

    /// The TCB of the loop.
    pub fn loop_pointer(&self) -> usize {
        self.tp.get()
    }

    /// The TCB that libc started this kernel thread on, where the kernel's rseq area is; `None` for the first
    /// worker, whose is the main thread's and never goes away.
    pub fn started_on(&self) -> Option<usize> {
        (!self.is_first()).then(|| self.tp.get())
    }

    /// The worker's kernel thread id, 0 before it runs.
    pub fn tid(&self) -> u32 {
        self.tid.load(Ordering::Relaxed)
    }

    /// The thread that runs here, null in the loop.
    pub fn running(&self) -> *const Thread {
        self.running.load(Ordering::Acquire)
    }

    /// The thread that has run since `tick` is to yield (`signal::preempt`).
    pub fn ask_to_yield(&self, tick: u32) {
        self.asked.store(tick, Ordering::Release);
    }

    /// Whether the thread that runs here goes on only because no other was runnable, or had its turn in between.
    pub(super) fn runs_background(&self) -> bool {
        self.background.load(Ordering::Relaxed)
    }

    /// The running thread, which calls, has readied another: if it computes it lets that one go first.
    #[inline(always)]
    pub(super) fn make_room_for_waiters(&self) {
        if self.runs_background() && !tls::current().is_null() {
            self.ask_to_yield(self.tick.get());
            tls::set_deferred(true);
        }
    }

    /// Whether that is the calling thread's run, and there is a permit for another: its own, or one that nobody holds.
    pub fn is_asked_to_yield(&self) -> bool {
        self.asked.load(Ordering::Acquire) == self.tick.get() && (!self.permit().is_null() || pool::has_sleepers())
    }

    /// The tick of a run that computes without a permit.
    pub(super) fn computes_aside(&self) -> Option<u32> {
        let is_served = self.tid() != 0 && !self.retired.get();
        self.seat.lost().filter(|_| is_served && scout::send(|| sys::task::state_of(self.tid())) == State::Runnable)
    }

    /// Takes the permit from a worker whose thread has run since `tick`, on behalf of others.
    pub(super) fn rescue(&self, tick: u32) -> bool {
        let permit = self.seat.lose(tick);
        if !permit.is_null() {
            pool::hand_over(permit);
        }
        !permit.is_null()
    }

    /// Gives the permit up on behalf of the running thread; false when it was gone already.
    pub(super) fn give_up_permit(&self) -> bool {
        self.rescue(self.tick.get())
    }

    /// Takes a free permit for the running thread; false when there is none, and it must queue.
    pub(super) fn regain_permit(&self) -> bool {
        if !self.permit().is_null() {
            return true;
        }
        let permit = pool::take_free();
        if permit.is_null() {
            return false;
        }
        self.set_permit(permit);
        // Everybody else may have been asleep, the monitor with them, and this thread may compute from now on.
        monitor::nudge();
        // The tick is this worker's, or the monitor would look for the run of the permit's last holder.
        // SAFETY: permits are never freed.
        unsafe { (*permit).tick.store(self.tick.get(), Ordering::Relaxed) };
        self.seat.run(self.tick.get());
        true
    }

    /// Its kernel thread, which has been made, runs when this returns.
    pub(super) fn await_beginning(&self) -> bool {
        while self.tid.load(Ordering::Acquire) == 0 {
            futex::wait(&self.tid, 0);
        }
        true
    }

    /// The kernel thread does not end for want of work.
    pub(super) fn keep(&self) {
        self.kept.set(true);
    }

    pub(super) fn is_kept(&self) -> bool {
        self.kept.get()
    }

    /// The kernel thread leaves the scheduler's service: its thread keeps it (bind).
    pub(super) fn retire(&self) {
        self.retired.set(true);
        pool::retire(self);
    }

    /// The context that a parking adopted thread continues.
    pub fn loop_context(&self) -> usize {
        self.context.get()
    }

    fn queue(&self) -> Option<&'static super::Queue> {
        let p = self.permit();
        // SAFETY: permits are never freed.
        (!p.is_null()).then(|| unsafe { &(*p).queue })
    }

    /// The loop. Never returns on worker 0; on the others when the pool has no use for them.
    fn run_loop(&self) {
        loop {
            // A signal that came while this loop had the CPU; it does not wait for the worker to fall idle.
            crate::signal::route::pending();
            if self.permit().is_null() {
                if !pool::wait_for_permit(self) {
                    return;
                }
                self.overdue.set(true);
            }
            match self.mail().or_else(|| self.find_work()) {
                Some(t) if !self.is_first() && thread::is_main(t) && pool::send_home(self, t) => {}
                Some(t) => self.run(t),
                None => pool::idle(self),
            }
            if self.retired.get() {
                // Its bound thread has ended: the kernel thread ends with it, and the kernel sees to its robust list.
                return;
            }
        }
    }

    /// Takes out the main thread, if it was sent here.
    pub(super) fn mail(&self) -> Option<*const Thread> {
        if self.mailbox.load(Ordering::Relaxed).is_null() {
            return None;
        }
        let t = self.mailbox.swap(null_mut(), Ordering::Acquire);
        (!t.is_null()).then_some(t.cast_const())
    }

    fn find_work(&self) -> Option<*const Thread> {
        let queue = self.queue()?;
        if self.is_overdue()
            && let Some(t) = self.find_overdue()
        {
            return Some(t);
        }
        let tick = self.tick.get();
        // The monitor's tick: switches alone would make what is due wait for as long as this many turns last.
        let due = monitor::take_tick();
        if due || tick.is_multiple_of(EVENTS_EVERY) {
            source().poll();
        }
        if due || tick.is_multiple_of(GLOBAL_EVERY) {
            self.take_share_of_global(queue);
        }
        let has_yielded = self.yielded.replace(false);
        if (has_yielded || due && self.is_background_due())
            && let Some(t) = BACKGROUND.pop()
        {
            return Some(t);
        }
        if let Some(t) = queue.pop().or_else(|| OUTSIDE.pop()).or_else(|| GLOBAL.pop()) {
            return Some(t);
        }
        if source().poll() > 0
            && let Some(t) = queue.pop()
        {
            return Some(t);
        }
        self.steal(queue).or_else(|| BACKGROUND.pop())
    }

    /// Whether what it readies now is for all workers, and goes first.
    pub(super) fn is_overdue(&self) -> bool {
        self.overdue.get()
    }

    fn find_overdue(&self) -> Option<*const Thread> {
        source().poll();
        self.overdue.set(false);
        OUTSIDE.pop()
    }

    fn is_background_due(&self) -> bool {
        let dues = self.dues.get().wrapping_add(1);
        self.dues.set(dues);
        dues.is_multiple_of(BACKGROUND_EVERY)
    }

    /// Moves this permit's share of the global queue behind its own: what waits there must not wait longer than
    /// what waits here.
    fn take_share_of_global(&self, queue: &super::Queue) {
        for shared in [&OUTSIDE, &GLOBAL] {
            for _ in 0..shared.len().div_ceil(permits().len() as u32) {
                let Some(t) = shared.pop() else { break };
                queue.push(t);
            }
        }
    }

    fn steal(&self, into: &super::Queue) -> Option<*const Thread> {
        permits().iter().filter(|p| !core::ptr::eq(&p.queue, into)).find_map(|p| p.queue.steal_half(into))
    }

    /// Hands over a thread that this kernel thread was made for.
    fn receive(&self, t: *const Thread) {
        self.mailbox.store(t.cast_mut(), Ordering::Release);
        self.call();
    }

    /// The thread that this kernel thread was made for will not come.
    pub fn dismiss(&self) {
        self.call();
    }

    fn call(&self) {
        self.futex.store(1, Ordering::Release);
        futex::wake(&self.futex, 1);
    }

    /// Runs one thread until it parks, yields or ends; or sends it home.
    #[inline(always)]
    fn run(&self, t: *const Thread) {
        // SAFETY: as below; workers are never freed.
        if let Some(home) = unsafe { (*t).home().as_ref() }.filter(|home| !core::ptr::eq(*home, self)) {
            home.receive(t);
            return;
        }
        let tick = self.tick.get().wrapping_add(1) & TICK_MASK;
        self.tick.set(tick);
        // SAFETY: a thread taken from a run queue is alive and ours alone until it parks or ends; its context
        // is saved; permits are never freed.
        unsafe {
            let p = self.permit();
            if !p.is_null() {
                (*p).tick.store(tick, Ordering::Relaxed);
            }
            let t = &*t;
            t.worker.set(self);
            if t.fp.get() != self.fp.get() {
                t.fp.get().load();
            }
            // Before it is seen to run: see `lets_through`.
            let mask = t.mask.get();
            if mask != self.mask.get() {
                sig::set_mask(mask);
                self.mask.set(mask);
            }
            let background = t.action.get() == Action::Preempt;
            if background != self.runs_background() {
                self.background.store(background, Ordering::Relaxed);
            }
            self.running.store((t as *const Thread).cast_mut(), Ordering::Release);
            self.seat.run(tick);
            let resumed = t.resume(&self.context, self.tp.get());
            self.seat.stop(self.tick.get(), sys::sched_yield);
            self.running.store(null_mut(), Ordering::Release);
            self.fp.set(FpControl::save());
            t.fp.set(self.fp.get());
            self.mask.set(t.mask.get());
            crate::signal::leaves_worker(t);
            match resumed {
                Resumed::Ended => {
                    if t.takes_turns() {
                        self.pass_turn(t);
                    }
                    thread::ended(t);
                }
                Resumed::Suspended => self.settle(t),
            }
        }
    }

    /// A thread has come back with its context saved: do what it asked for.
    fn settle(&self, t: &Thread) {
        match t.action.get() {
            // Once committed, another worker may run it: not touched afterwards.
            Action::Park => {
                if crate::signal::is_due(t) {
                    t.waiter.parker.fire(crate::park::Wake::Interrupted);
                }
                let takes_turns = t.takes_turns();
                if !t.waiter.parker.commit() {
                    self.requeue(t);
                } else if takes_turns {
                    self.pass_turn(t);
                }
            }
            Action::Yield if t.takes_turns() => {
                if let Some(next) = strand::rotate(t) {
                    self.requeue(next);
                }
            }
            Action::Yield => {
                self.yielded.set(true);
                self.requeue(t);
            }
            Action::Preempt => {
                self.overdue.set(true);
                BACKGROUND.push(t);
            }
        }
    }

    /// A greenlet has parked or ended.
    fn pass_turn(&self, t: *const Thread) {
        if let Some(next) = strand::pass(t) {
            self.requeue(next);
        }
    }

    fn requeue(&self, t: *const Thread) {
        match self.queue() {
            Some(queue) => queue.push(t),
            None => super::inject(t),
        }
    }

    /// The signal mask while the loop sleeps: main's, so that the process takes what main would.
    pub(super) fn apply_idle_mask(&self) {
        loop {
            let mask = thread::main_mask();
            if self.mask.get() == mask {
                return;
            }
            sig::set_mask(mask);
            self.mask.set(mask);
            // Main changes its mask, then looks at ours: see `remask_sleepers`.
            fence(Ordering::SeqCst);
        }
    }

    /// Whether it may take a signal of `set` in its loop.
    pub(super) fn lets_through(&self, set: sig::Mask) -> bool {
        self.tid() != 0 && !self.retired.get() && self.running().is_null() && !self.mask.get() & set != 0
    }
}

/// Prepares worker 0 around the running thread `main`.
///
/// # Safety
/// As `sched::start`.
pub(super) unsafe fn adopt(main: *const Thread, loop_tp: usize, loop_stack: usize) {
    let w = Worker::new();
    w.tid.store(sys::gettid(), Ordering::Relaxed);
    w.tp.set(loop_tp);
    w.first.set(true);
    w.mask.set(sig::mask());
    w.fp.set(FpControl::save());
    w.running.store(main.cast_mut(), Ordering::Release);
    // SAFETY: the caller's TCB and stack belong to this loop alone; permits exist.
    unsafe {
        w.context.set(arch::prepare_stack(loop_stack, first_loop));
        thread::plant_worker(loop_tp, w);
        (*main).worker.set(w);
    }
    w.set_permit(&permits()[0]);
    w.overdue.set(false);
    w.seat.run(0);
    pool::add_first(w);
}

/// Entered by the first swap away from the main thread, on worker 0's own stack.
extern "C" fn first_loop() -> ! {
    // Main's thread pointer is still loaded: nothing but registers until ours is. The parking thread left
    // the loop's TCB in its worker record.
    // SAFETY: the record of the thread whose TCB is loaded is alive, and so is its worker; the TCB is this
    // loop's.
    unsafe {
        let t = tls::current();
        let w = (*t).worker.get();
        arch::set_thread_pointer((*w).tp.get());
        (*w).first_settle(&*t);
        (*w).run_loop();
    }
    sys::fatal(format_args!("worker 0 left its loop"))
}

impl Worker {
    /// What `run` does after a resume, for the thread that was running when worker 0 was made.
    fn first_settle(&self, t: &Thread) {
        self.seat.stop(0, sys::sched_yield);
        self.running.store(null_mut(), Ordering::Release);
        self.fp.set(FpControl::save());
        t.fp.set(self.fp.get());
        self.mask.set(t.mask.get());
        self.settle(t);
    }
}

/// What a kernel thread that libc has started for a worker does first.
///
/// # Safety
/// `arg` is a leaked worker, this thread's.
unsafe fn begin(arg: *mut core::ffi::c_void) -> &'static Worker {
    // SAFETY: the caller's promise.
    let w = unsafe { &*arg.cast::<Worker>() };
    tls::set_depth(1);
    w.tp.set(arch::thread_pointer());
    arch::set_tls_worker(w);
    w.tid.store(sys::gettid(), Ordering::Release);
    futex::wake(&w.tid, 1);
    w.mask.set(sig::mask());
    w.fp.set(FpControl::save());
    w.alt.set(altstack::worker_started());
    w
}

/// What such a kernel thread does last.
fn end(w: &Worker) -> *mut core::ffi::c_void {
    crate::signal::altstack::worker_ended();
    w.tid.store(0, Ordering::Relaxed);
    pool::give_unused(w);
    null_mut()
}

/// The start routine of every other worker. It begins as a spare one.
pub(super) unsafe extern "C-unwind" fn main(arg: *mut core::ffi::c_void) -> *mut core::ffi::c_void {
    // SAFETY: `pool` passes a leaked worker.
    let w = unsafe { begin(arg) };
    if pool::wait_as_spare(w) {
        w.run_loop();
    }
    end(w)
}

/// The start routine of a kernel thread that is made for one thread, which is not here yet.
unsafe extern "C-unwind" fn home_main(arg: *mut core::ffi::c_void) -> *mut core::ffi::c_void {
    // SAFETY: `make_home` passes a leaked worker.
    let w = unsafe { begin(arg) };
    while w.futex.load(Ordering::Acquire) == 0 {
        futex::wait(&w.futex, 0);
    }
    if let Some(t) = w.mail() {
        // SAFETY: handed over runnable, ours alone.
        unsafe { thread::bind::arrived(&*t) };
        w.run(t);
    }
    end(w)
}

/// Makes a kernel thread for one thread, which is to be its home; `None` when the kernel refuses.
pub fn make_home() -> Option<&'static Worker> {
    let w = Worker::unused();
    tls::enter();
    let made = recruiter::make(|| {
        // SAFETY: workers are never freed, and this is what such a thread is given.
        let made =
            unsafe { pool::spawn_kernel_thread(home_main, (w as *const Worker).cast_mut().cast(), pool::WORKER_STACK) };
        made && w.await_beginning()
    });
    tls::leave();
    if !made {
        pool::give_unused(w);
    }
    made.then_some(w)
}
