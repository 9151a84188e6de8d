//! The pool of workers: who sleeps where, and how permits change hands.
//!
//! Everything here happens at the pace of kernel wake-ups, so one lock guards it; the atomics beside it are
//! hints that wakers read before they take it. The protocol that loses no wake-up: a worker publishes that
//! it sleeps, fences, and looks at the queues once more; a waker pushes, fences, and then looks for sleepers
//! (see `sleepers`).

use super::sleepers::Sleepers;
use super::worker::{self, Worker};
use super::{Permit, is_any_shared, permits, recruiter, source, work_visible};
use crate::atomic::Ordering;
use crate::real;
use crate::report;
use crate::sys::lock::{Guard, Lock};
use crate::sys::{futex, sig, time};
use crate::thread::Thread;
use core::ptr::null;

/// A list of workers through their own links.
struct List {
    head: *const Worker,
    len: usize,
}

impl List {
    const EMPTY: List = List { head: null(), len: 0 };

    fn push(&mut self, w: &Worker) {
        w.next.set(self.head);
        self.head = w;
        self.len += 1;
    }

    fn pop(&mut self) -> Option<&'static Worker> {
        if self.head.is_null() {
            return None;
        }
        // SAFETY: workers are never freed.
        let w = unsafe { &*self.head };
        self.head = w.next.get();
        self.len -= 1;
        Some(w)
    }

    fn remove(&mut self, w: &Worker) -> bool {
        let mut at = self.head;
        let mut before: *const Worker = null();
        while !at.is_null() {
            // SAFETY: workers are never freed.
            let node = unsafe { &*at };
            if core::ptr::eq(node, w) {
                // SAFETY: `before` is null or a live member.
                unsafe {
                    if before.is_null() { self.head = node.next.get() } else { (*before).next.set(node.next.get()) }
                }
                self.len -= 1;
                return true;
            }
            before = at;
            at = node.next.get();
        }
        false
    }
}

struct Pool {
    idle: List,
    spare: List,
    /// Without a kernel thread.
    unused: List,
    /// The worker in the event source.
    poller: *const Worker,
    /// Worker 0, where the main thread is at home.
    first: *const Worker,
    /// Threads that get off the first worker: it is no spare one meanwhile, and does not help itself to a permit.
    shuns: usize,
    /// The first worker waits to be a spare one again.
    first_is_aside: bool,
    /// Permits that nobody holds, because no kernel thread could be made for them.
    free: Vec<*const Permit>,
    workers: usize,
    most_workers: usize,
}

// SAFETY: workers and permits are never freed and shared by design.
unsafe impl Send for Pool {}

const NEW: Pool = Pool {
    idle: List::EMPTY,
    spare: List::EMPTY,
    unused: List::EMPTY,
    poller: null(),
    first: null(),
    shuns: 0,
    first_is_aside: false,
    free: Vec::new(),
    workers: 0,
    most_workers: 0,
};
static POOL: Lock<Pool> = Lock::new(NEW);
static SLEEPERS: Sleepers = Sleepers::new();

/// How long a spare worker waits for work before its kernel thread ends.
const SPARE_LINGER: u64 = time::SECOND / 5;
/// Spare workers that there should be, for the next rescue or offload: it cannot wait until the kernel has made one (`recruiter`).
const RESERVE: usize = 1;
/// Spare workers that do not end: what is taken and comes back need not be made again.
const SPARES_KEPT: usize = RESERVE + 1;
pub(super) const WORKER_STACK: usize = 256 * 1024;

const GO: u32 = 1;
const RECHECK: u32 = 2;
/// A signal handler ran in the worker's loop; there is something to route.
const STIRRED: u32 = 3;

pub(super) fn add_first(w: &Worker) {
    let mut pool = POOL.lock();
    pool.first = w;
    pool.workers = 1;
    pool.most_workers = 1;
}

/// Gives every permit but the first (which worker 0 holds) to nobody yet: workers are made when a backlog
/// asks for them.
pub(super) fn start() {
    let mut pool = POOL.lock();
    pool.free = permits().iter().skip(1).map(|p| p as *const Permit).collect();
    SLEEPERS.reset(pool.free.len() as u32);
    drop(pool);
    super::monitor::start();
    recruiter::start();
}

/// The process's first kernel thread.
pub fn first() -> Option<&'static Worker> {
    // SAFETY: workers are never freed.
    unsafe { POOL.lock().first.as_ref() }
}

/// Keeps the first worker out of the pool until [`end_shun`], once it has no permit; or until no other can be made.
pub(super) fn shun_first() {
    let mut pool = POOL.lock();
    pool.shuns += 1;
    let first = pool.first;
    // SAFETY: workers are never freed.
    if let Some(first) = unsafe { first.as_ref() } {
        pool.first_is_aside |= pool.spare.remove(first);
    }
}

pub(super) fn end_shun() {
    let mut pool = POOL.lock();
    pool.shuns -= 1;
    if pool.shuns == 0 {
        end_aside(pool);
    }
}

/// Puts the first worker, if it is aside, among the spare ones all the same: there is no other.
pub(super) fn use_first() {
    end_aside(POOL.lock());
}

fn end_aside(mut pool: Guard<'_, Pool>) {
    // SAFETY: workers are never freed.
    let first = unsafe { pool.first.as_ref() };
    if let Some(first) = first.filter(|_| core::mem::take(&mut pool.first_is_aside)) {
        add_spare(pool, first);
    }
}

/// Whether a worker with a permit sleeps, or a permit is unused.
pub(super) fn has_sleepers() -> bool {
    SLEEPERS.any_idle() || is_polling()
}

/// Whether a worker waits in the event source, or is about to.
pub fn is_polling() -> bool {
    SLEEPERS.polls()
}

/// Whether every permit is unused, and somebody looks for events: nobody runs anything.
pub(super) fn all_asleep() -> bool {
    let pool = POOL.lock();
    // SAFETY: workers are never freed.
    let Some(poller) = (unsafe { pool.poller.as_ref() }) else { return false };
    pool.idle.len + pool.free.len() + usize::from(!poller.permit().is_null()) >= permits().len()
}

/// Kernel threads in the scheduler's service: now, and at most so far.
pub fn counts() -> (usize, usize) {
    let pool = POOL.lock();
    (pool.workers, pool.most_workers)
}

/// The same, now, without the reserve.
pub(super) fn in_use() -> usize {
    let pool = POOL.lock();
    pool.workers - pool.spare.len.min(RESERVE)
}

/// Something became runnable: wake one worker that sleeps, if any does.
pub(super) fn wake_one() {
    SLEEPERS.fence_after_push();
    super::monitor::nudge();
    wake_sleeper();
}

/// The same by the monitor, which is awake.
pub(super) fn wake_sleeper() {
    if SLEEPERS.any_idle() {
        let mut pool = POOL.lock();
        if let Some(w) = pool.idle.pop() {
            SLEEPERS.idle_leaves();
            drop(pool);
            resume(w, GO);
            return;
        }
        if !pool.free.is_empty() {
            drop(pool);
            staff();
            return;
        }
    }
    if is_polling() {
        source().notify();
    }
}

fn resume(w: &Worker, how: u32) {
    w.futex.store(how, Ordering::Release);
    futex::wake(&w.futex, 1);
}

/// Makes the sleep that `w` may be about to begin end at once. Called by a signal handler in its loop.
pub(super) fn stir(w: &Worker) {
    let _ = w.futex.compare_exchange(0, STIRRED, Ordering::AcqRel, Ordering::Relaxed);
    if is_polling() {
        source().notify();
    }
}

/// Makes another worker, asleep or about to be, go through its loop once.
pub(super) fn rouse(w: &Worker) {
    if core::ptr::eq(POOL.lock().poller, w) {
        source().notify();
    } else if w.futex.compare_exchange(0, STIRRED, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
        futex::wake(&w.futex, 1);
    }
}

/// Whether a permit could change hands, with a worker left in reserve.
pub(super) fn has_surplus() -> bool {
    POOL.lock().spare.len > RESERVE
}

/// Whether a permit could change hands now.
pub(super) fn has_spare() -> bool {
    POOL.lock().spare.len > 0
}

/// Whether there are workers beside `w` that run threads, or could.
pub(super) fn has_others(w: &Worker) -> bool {
    let pool = POOL.lock();
    let held = permits().len() - pool.free.len();
    pool.spare.len > 0 || held > usize::from(!w.permit().is_null())
}

/// Whether there is a permit that nobody can take.
pub(super) fn is_unstaffed() -> bool {
    let pool = POOL.lock();
    !pool.free.is_empty() && pool.idle.len == 0 && pool.spare.len == 0
}

/// Finds a worker for `permit`. Whoever gives a permit away may be inside the program's malloc (a handler that posts a semaphore) and
/// hold a lock of ours: no thread is made here.
pub(super) fn hand_over(permit: *const Permit) {
    if let Err(pool) = give_to_spare(POOL.lock(), permit) {
        give_to_nobody(pool, permit);
        recruiter::call();
        // An idle worker may have lain down because somebody polled.
        staff();
    }
}

/// Gives permits that nobody holds to workers, where something waits for them: threads, or the event source, when nobody
/// runs who would look there.
fn staff() {
    loop {
        let visible = work_visible();
        let mut pool = POOL.lock();
        let unwatched = pool.poller.is_null() && pool.idle.len + pool.free.len() >= permits().len();
        if !visible && !unwatched {
            return;
        }
        if let Some(w) = pool.idle.pop() {
            SLEEPERS.idle_leaves();
            drop(pool);
            resume(w, GO);
            return;
        }
        let Some(permit) = pool.free.pop() else { return };
        SLEEPERS.idle_leaves();
        if let Err(pool) = give_to_spare(pool, permit) {
            give_to_nobody(pool, permit);
            recruiter::call();
            // Which the kernel may refuse. Who is in the event source may be without a permit, and takes it; or finds what waits.
            if is_polling() {
                source().notify();
            }
            return;
        }
    }
}

/// Gives `permit` to a spare worker; the lock comes back where there is none.
fn give_to_spare(mut pool: Guard<'_, Pool>, permit: *const Permit) -> Result<(), Guard<'_, Pool>> {
    let Some(w) = pool.spare.pop() else { return Err(pool) };
    let is_short = pool.spare.len < RESERVE;
    w.set_permit(permit);
    drop(pool);
    // Before the worker runs a thread that would leave with it (see `wait_for_reserve`).
    if is_short {
        recruiter::call();
    }
    resume(w, GO);
    Ok(())
}

fn give_to_nobody(mut pool: Guard<'_, Pool>, permit: *const Permit) {
    pool.free.push(permit);
    SLEEPERS.idle_enters();
}

/// `w` waits for a permit from now on. One that nobody could take may have been given up meanwhile.
fn add_spare(mut pool: Guard<'_, Pool>, w: &Worker) {
    pool.spare.push(w);
    let may_be_wanted = !pool.free.is_empty();
    drop(pool);
    if may_be_wanted {
        staff();
    }
}

/// Makes workers until there is one in reserve, or the kernel refuses. The recruiter's, because it makes kernel threads.
pub(super) fn recruit() {
    loop {
        {
            let mut pool = POOL.lock();
            if pool.spare.len >= RESERVE {
                return;
            }
            pool.workers += 1;
        }
        let w = Worker::unused();
        let made = recruiter::make(|| spawn(w) && w.await_beginning());
        let mut pool = POOL.lock();
        if !made {
            pool.unused.push(w);
            pool.workers -= 1;
            recruiter::refused();
            report::count(report::Event::WorkerRefused);
            return end_aside(pool);
        }
        pool.most_workers = pool.most_workers.max(pool.workers);
        add_spare(pool, w);
    }
}

/// A worker that was, to be one again.
pub(super) fn take_unused() -> Option<&'static Worker> {
    POOL.lock().unused.pop()
}

/// Its kernel thread is about to end, or has not been made. It is nobody's.
pub(super) fn give_unused(w: &Worker) {
    POOL.lock().unused.push(w);
}

/// Makes a kernel thread for `w`, detached, with the engine's signal mask.
fn spawn(w: &'static Worker) -> bool {
    // SAFETY: workers are never freed, and this is what their threads are given.
    unsafe { spawn_kernel_thread(worker::main, (w as *const Worker).cast_mut().cast(), WORKER_STACK) }
}

/// Makes a kernel thread that is none of the program's, detached, with the engine's signal mask.
///
/// # Safety
/// `start` may be called with `arg`, in another thread.
pub unsafe fn spawn_kernel_thread(start: real::StartRoutine, arg: *mut core::ffi::c_void, stack: usize) -> bool {
    // SAFETY: the attribute object is initialised before use and destroyed after; libc's own functions.
    unsafe {
        let mut attr: libc::pthread_attr_t = core::mem::zeroed();
        real::pthread_attr_init(&mut attr);
        real::pthread_attr_setstacksize(&mut attr, stack);
        real::pthread_attr_setdetachstate(&mut attr, libc::PTHREAD_CREATE_DETACHED);
        let mut thread: libc::pthread_t = 0;
        let mask = sig::set_mask(sig::ALL & !sig::bit(sig::SETXID));
        let status = real::pthread_create(&mut thread, &attr, start, arg);
        sig::set_mask(mask);
        real::pthread_attr_destroy(&mut attr);
        status == 0
    }
}

/// A permit for a worker whose running thread comes back from the kernel: a free one, an idle worker's, or
/// the poller's (which goes on polling without).
pub(super) fn take_free() -> *const Permit {
    let mut pool = POOL.lock();
    if let Some(permit) = pool.free.pop() {
        SLEEPERS.idle_leaves();
        return permit;
    }
    if let Some(w) = pool.idle.pop() {
        SLEEPERS.idle_leaves();
        let permit = w.take_permit();
        drop(pool);
        resume(w, RECHECK);
        return permit;
    }
    if pool.poller.is_null() {
        return null();
    }
    // SAFETY: workers are never freed; the poller does not use its permit before it has left the pool.
    unsafe { (*pool.poller).take_permit() }
}

/// A spare worker waits for a permit. False: the kernel thread may end.
pub(super) fn wait_for_permit(w: &Worker) -> bool {
    w.apply_idle_mask();
    if let Some(main) = w.mail() {
        // Sent to this worker in the event source, whose permit was then taken before it came out.
        super::inject(main);
    }
    let permit = if is_any_shared() && !is_shunned(w) { take_free() } else { null() };
    if !permit.is_null() {
        w.set_permit(permit);
        return true;
    }
    let mut pool = POOL.lock();
    w.futex.store(0, Ordering::Relaxed);
    if w.is_first() && pool.shuns > 0 {
        pool.first_is_aside = true;
        drop(pool);
    } else {
        add_spare(pool, w);
    }
    wait_as_spare(w)
}

fn is_shunned(w: &Worker) -> bool {
    w.is_first() && POOL.lock().shuns > 0
}

/// The same for a worker that is among the spare ones.
pub(super) fn wait_as_spare(w: &Worker) -> bool {
    // One that is kept has lingered: it does not wake an idle process again and again.
    let mut lingers = true;
    loop {
        let deadline = lingers.then(|| time::after(SPARE_LINGER).into());
        crate::signal::route::pending();
        w.apply_idle_mask();
        while w.futex.load(Ordering::Acquire) == 0 {
            if futex::wait_until(&w.futex, 0, deadline) == Err(crate::errno::Errno::TIMEDOUT) {
                lingers = false;
                break;
            }
        }
        let _ = w.futex.compare_exchange(STIRRED, 0, Ordering::AcqRel, Ordering::Relaxed);
        if w.futex.load(Ordering::Acquire) == GO {
            return true;
        }
        let mut pool = POOL.lock();
        let may_end = pool.spare.len > SPARES_KEPT && !w.is_first() && !w.is_kept();
        if w.futex.load(Ordering::Acquire) == 0 && may_end && pool.spare.remove(w) {
            pool.workers -= 1;
            return false;
        }
    }
}

/// A worker with a permit and nothing to do sleeps: in the event source if nobody is there, else on its
/// futex.
pub(super) fn idle(w: &Worker) {
    w.apply_idle_mask();
    let mut pool = POOL.lock();
    if pool.poller.is_null() {
        pool.poller = w;
        SLEEPERS.poller_enters();
        drop(pool);
        if !work_visible() && !crate::signal::route::pending() {
            source().wait();
            crate::signal::route::pending();
            super::monitor::nudge();
        }
        leave_source(w);
        return;
    }
    w.futex.store(0, Ordering::Relaxed);
    pool.idle.push(w);
    SLEEPERS.idle_enters();
    drop(pool);
    if (work_visible() || crate::signal::route::is_pending()) && wake_itself(w) {
        return;
    }
    loop {
        match w.futex.load(Ordering::Acquire) {
            0 => futex::wait(&w.futex, 0),
            // A signal is routed from the loop, awake, because that may make a thread runnable here. If somebody is
            // waking this worker already, what he stores comes next.
            STIRRED if wake_itself(w) => return,
            STIRRED => {
                let _ = w.futex.compare_exchange(STIRRED, 0, Ordering::AcqRel, Ordering::Relaxed);
            }
            _ => return,
        }
    }
}

/// An idle worker gets up by itself; false when somebody is waking it already.
fn wake_itself(w: &Worker) -> bool {
    let was_idle = POOL.lock().idle.remove(w);
    if was_idle {
        SLEEPERS.idle_leaves();
    }
    was_idle
}

/// Main is runnable on `w`, and is at home on the first worker, whose kernel thread is the process's first. If that
/// one sleeps it takes main over, with `w`'s permit if it has none. If it is busy, or stuck, main runs on `w`: a
/// thread is never worse off for being pinned.
pub(super) fn send_home(w: &Worker, main: *const Thread) -> bool {
    let mut pool = POOL.lock();
    // SAFETY: workers are never freed.
    let Some(first) = (unsafe { pool.first.as_ref() }) else { return false };
    let polls = core::ptr::eq(pool.poller, first);
    if pool.idle.remove(first) {
        SLEEPERS.idle_leaves();
    } else if !polls && !pool.spare.remove(first) && !core::mem::take(&mut pool.first_is_aside) {
        return false;
    }
    let is_short = pool.spare.len < RESERVE;
    if first.permit().is_null() {
        first.set_permit(w.take_permit());
    }
    first.mailbox.store(main.cast_mut(), Ordering::Release);
    drop(pool);
    if is_short {
        recruiter::call();
    }
    if polls {
        source().notify()
    } else {
        resume(first, GO)
    }
    true
}

/// The poller goes to work. If its permit was taken meanwhile it will not come back to the source, so an idle
/// worker, which may have gone to sleep because somebody was polling, takes the place; or this one does, with a permit that
/// was given up while somebody was polling.
fn leave_source(w: &Worker) {
    let mut pool = POOL.lock();
    pool.poller = null();
    SLEEPERS.poller_leaves();
    if !w.permit().is_null() {
        return;
    }
    if let Some(next) = pool.idle.pop() {
        SLEEPERS.idle_leaves();
        drop(pool);
        resume(next, GO);
    } else if let Some(permit) = pool.free.pop() {
        SLEEPERS.idle_leaves();
        w.set_permit(permit);
    }
}

/// The kernel thread of `w` belongs to its thread from now on.
pub(super) fn retire(_w: &Worker) {
    POOL.lock().workers -= 1;
}

/// Forgets the workers of the parent.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub(super) unsafe fn after_fork() {
    // SAFETY: no other thread exists.
    unsafe { POOL.reset(NEW) };
    SLEEPERS.reset(0);
}
