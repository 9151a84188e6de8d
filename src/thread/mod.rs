//! What runs: a genuine pthread without a kernel thread.
//!
//! A [`Thread`] is the engine's record of one. It belongs to a TCB and stack that glibc made (a *pair*, see
//! `hijack`), is never freed, and starts again with the pair when that is recycled: a `pthread_t` that a
//! program kept can therefore always be looked at. The main thread, and the thread that forked in a child,
//! are *adopted*: their stack was not started by us.
//!
//! | life      | meaning                                     |
//! |-----------|---------------------------------------------|
//! | JOINABLE  | runs, or will; somebody may join            |
//! | DETACHED  | runs, or will; recycled as soon as it ends  |
//! | ENDED     | has ended, its value waits for a join       |
//! | FREE      | joined or recycled; the handle is stale     |

pub mod beside;
pub mod bind;
pub mod cancel;
pub mod exit;
pub mod foreign;
pub mod hijack;
pub mod keys;
mod list;
mod listen;
pub mod loader;
mod record;
pub mod recycle;
pub mod slab;
pub mod stack;
pub mod tcb;
pub mod template;
pub mod throw;
pub mod tls_image;
pub mod wait;

use crate::arch::{self, FpControl, tls};
use crate::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use crate::park::lot::{self, Kind};
use crate::sched::Worker;
use crate::signal;
use crate::sys::lock::Lock;
use crate::sys::sig;
use core::ptr::{null, null_mut};

pub use record::{Resumed, Thread};

pub type Start = crate::real::StartRoutine;

pub const JOINABLE: u32 = 0;
pub const DETACHED: u32 = 1;
pub const ENDED: u32 = 2;
pub const FREE: u32 = 3;
pub const FOREIGN_JOINER: usize = 1;

static MAIN: AtomicPtr<Thread> = AtomicPtr::new(null_mut());
/// Green threads that have not ended, main included.
pub static LIVE: AtomicUsize = AtomicUsize::new(0);
/// Thread ids start above any the kernel gives (PID_MAX_LIMIT is 2^22) and stay below the futex word's flags.
pub const FIRST_TID: u32 = 1 << 22;
const LAST_TID: u32 = (1 << 30) - 1;
/// The id of no thread, green or not.
pub const TID_OF_NOBODY: u32 = LAST_TID + 1;
static EPOCH: AtomicU32 = AtomicU32::new(0);

/// Whether the process is the child of one that had green threads.
fn is_forked() -> bool {
    EPOCH.load(Ordering::Relaxed) != 0
}

/// Held by who finds a greenlet by its handle and acts on it: it is not another thread meanwhile. A leaf of the lock order.
static HANDLES: Lock<()> = Lock::new(());

/// Runs `f` while every greenlet keeps the handle that it has.
pub fn while_handles_hold<R>(f: impl FnOnce() -> R) -> R {
    let _held = HANDLES.lock();
    f()
}

/// The worker saw the thread's coroutine return: nothing runs on the pair's stack any more.
pub fn ended(t: &Thread) {
    t.clear_body();
    if let Some(home) = t.close_home() {
        home.dismiss();
    }
    if t.life.load(Ordering::Acquire) == JOINABLE
        && t.life.compare_exchange(JOINABLE, ENDED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    {
        signal::route::ended(t);
        lot::unpark(t as *const Thread as usize, Kind::Join, usize::MAX, u32::MAX);
        return;
    }
    recycle::give(t);
    signal::route::ended(t);
}

/// The record behind a handle; `None` for foreign threads, workers' and such.
///
/// # Safety
/// `handle` is a `pthread_t` that libc gave out and whose memory still exists, as for any pthread call.
pub unsafe fn of_handle(handle: libc::pthread_t) -> Option<&'static Thread> {
    if handle == 0 {
        return None;
    }
    // SAFETY: the caller's handle is a TCB; records are never freed.
    unsafe { arch::current_of(handle as usize).as_ref() }
}

/// Every record, for the calls that take a tid.
static RECORDS: Lock<Vec<&'static Thread>> = Lock::new(Vec::new());

/// Those of them that are no pair's.
static RETIRED: Lock<Vec<&'static Thread>> = Lock::new(Vec::new());

impl Thread {
    /// A record for a pair that is about to be made; no thread's before [`Thread::prepare`]. `None` without memory for one more in
    /// the lists.
    pub(crate) fn for_pair() -> Option<&'static Thread> {
        let retired = RETIRED.lock().pop();
        if let Some(t) = retired {
            t.begin_anew();
            return Some(t);
        }
        let tid = next_tid();
        let mut records = RECORDS.lock();
        records.try_reserve(1).ok()?;
        // Each of them may be retired once.
        RETIRED.lock().try_reserve(records.len() + 1).ok()?;
        let t = Thread::unborn(tid);
        records.push(t);
        Some(t)
    }

    /// Its pair is gone, or was not made: the record may be another's.
    pub(super) fn retire(&self) {
        // SAFETY: records are never freed.
        RETIRED.lock().push(unsafe { &*(self as *const Thread) });
    }
}

/// A number that no living green thread has. Once the range has been used up, each is looked up first.
fn next_tid() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(FIRST_TID);
    static WRAPPED: AtomicBool = AtomicBool::new(false);
    loop {
        let tid = NEXT.fetch_add(1, Ordering::Relaxed);
        if tid == LAST_TID {
            NEXT.store(FIRST_TID, Ordering::Relaxed);
            WRAPPED.store(true, Ordering::Relaxed);
        }
        if tid <= LAST_TID && (!WRAPPED.load(Ordering::Relaxed) || of_tid(tid).is_none()) {
            return tid;
        }
    }
}

/// Holds the records still across a fork.
pub fn fork_prepare() {
    RECORDS.hold();
    RETIRED.hold();
    slab::fork_prepare();
    template::fork_prepare();
    HANDLES.hold();
}

/// In the parent: the records may change again. (A child starts with a fresh lock.)
pub fn fork_done() {
    HANDLES.let_go();
    template::fork_done();
    slab::fork_done();
    RETIRED.let_go();
    RECORDS.let_go();
}

/// The green thread that has this tid, or had it before it was bound, if it lives.
pub fn of_tid(tid: u32) -> Option<&'static Thread> {
    if let Some(main) = main_thread().filter(|m| m.tid() == tid) {
        return Some(main);
    }
    let is_named = |t: &Thread| t.tid() == tid || (tid != 0 && t.former_tid() == tid);
    RECORDS.lock().iter().copied().find(|t| is_named(t) && t.life.load(Ordering::Acquire) != FREE)
}

/// A living green thread of which `is_it` holds.
pub fn find(is_it: impl Fn(&Thread) -> bool) -> Option<&'static Thread> {
    if let Some(main) = main_thread().filter(|m| is_it(m)) {
        return Some(main);
    }
    RECORDS.lock().iter().copied().find(|t| t.can_take_signals() && is_it(t))
}

/// Makes the calling thread, which started before us, a green thread with this TCB.
pub fn adopt_current() -> &'static Thread {
    let t = Thread::adopted(crate::sys::gettid());
    t.pair.set(stack::Pair { tp: arch::thread_pointer(), ..stack::Pair::default() });
    t.mask.set(sig::mask());
    t.fp.set(FpControl::save());
    tls::set_current(t);
    MAIN.store((t as *const Thread).cast_mut(), Ordering::Release);
    LIVE.store(1, Ordering::SeqCst);
    t
}

/// The adopted thread, once there is one.
pub fn main_thread() -> Option<&'static Thread> {
    // SAFETY: records are never freed.
    unsafe { MAIN.load(Ordering::Acquire).as_ref() }
}

/// The calling thread of ours, bound or not; `None` on foreign ones, in a worker's loop and in a vfork child.
#[inline(always)]
pub fn current() -> Option<&'static Thread> {
    // SAFETY: records are never freed.
    unsafe { tls::current().as_ref() }
}

/// Whether it is the adopted thread.
pub fn is_main(t: *const Thread) -> bool {
    core::ptr::eq(MAIN.load(Ordering::Acquire), t)
}

/// The adopted thread's signal mask, which idle workers take over.
pub fn main_mask() -> sig::Mask {
    main_thread().map_or(0, |t| t.mask.get())
}

/// Writes a thread's record into the engine's block of its TCB.
pub(crate) fn plant(tp: usize, t: &Thread) {
    let block = (tp as isize + arch::tls_offset()) as *mut *const Thread;
    // SAFETY: the first word of the block lies in the static TLS of a TCB that libc has just made.
    unsafe { block.write(t) };
}

/// Takes the record out again, of a TCB that no thread runs on.
fn unplant(tp: usize) {
    let block = (tp as isize + arch::tls_offset()) as *mut *const Thread;
    // SAFETY: as in `plant`; the TCB has not been given back yet.
    unsafe { block.write(null()) };
}

/// Writes a worker into the engine's block of a TCB that only its loop will use.
///
/// # Safety
/// `tp` is a hijacked TCB that no thread runs on.
pub unsafe fn plant_worker(tp: usize, w: *const Worker) {
    let block = (tp as isize + arch::tls_offset()) as *mut usize;
    // SAFETY: the block's words lie in the TCB's static TLS.
    unsafe {
        block.write(0);
        block.add(1).cast::<u64>().write(1);
        block.add(2).write(w as usize);
    }
}

/// Writes who has it into the engine's block of a TCB that nobody runs on.
fn plant_guest(tp: usize, guest: beside::Guest) {
    const HELD: usize = 3;
    let held = match guest {
        beside::Guest::Thread => 0,
        beside::Guest::Process(shares) => tls::held_by_process(shares.bits()),
    };
    let block = (tp as isize + arch::tls_offset()) as *mut [usize; 8];
    let mut words = [0; 8];
    words[HELD] = held;
    // SAFETY: the block lies in the static TLS of a live TCB.
    unsafe { block.write(words) };
}

/// What libc has done, in a forked child, with the TCBs and stacks of its parent's other threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Others {
    /// Taken out of its lists: those of its own making will be its next threads', and count as ended.
    Reclaimed,
    /// Nothing.
    Listed,
}

/// A new process image: every record but the caller's belongs to the parent.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork(others: Others) {
    EPOCH.fetch_add(1, Ordering::Relaxed);
    MAIN.store(null_mut(), Ordering::Relaxed);
    LIVE.store(0, Ordering::Relaxed);
    tls::set_current(null());
    // SAFETY: the caller's promise, passed on.
    unsafe {
        recycle::after_fork();
        match others {
            Others::Reclaimed => {
                end_in_slabs();
                slab::after_fork(arch::thread_pointer());
            }
            Others::Listed => slab::forget(),
        }
        template::after_fork();
        throw::after_fork();
    }
}

/// The parent's other threads count as ended, so that a join in the child returns: libc sees to that in stacks of its own
/// making only.
fn end_in_slabs() {
    let own = arch::thread_pointer();
    for t in RECORDS.lock().iter().filter(|t| t.pair.get().source == stack::Source::Slab && t.tp() != own) {
        match tcb::tid(t.tp()) {
            // Not touched where it says so already: each page that is written is copied.
            Some(word) if word.load(Ordering::Relaxed) != 0 => word.store(0, Ordering::Relaxed),
            _ => {}
        }
    }
}
