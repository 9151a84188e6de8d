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
use crate::sched::{Action, Worker};
use crate::signal;
use crate::sys::lock::Lock;
use crate::sys::{futex, sig};
use core::cell::{Cell, UnsafeCell};
use core::ffi::c_void;
use core::ptr::{null, null_mut};
use corosensei::{Coroutine, CoroutineResult, Yielder};
use stack::PairStack;
use wait::Waiter;

pub type Start = crate::real::StartRoutine;
type Body = Coroutine<(), (), (), PairStack>;

pub const JOINABLE: u32 = 0;
pub const DETACHED: u32 = 1;
pub const ENDED: u32 = 2;
pub const FREE: u32 = 3;
pub const FOREIGN_JOINER: usize = 1;

/// What a resume came back with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resumed {
    Suspended,
    Ended,
}

/// How its context is kept while it does not run.
enum Context {
    /// In a coroutine over the rest of the pair's stack.
    Coroutine(Option<Body>),
    /// At this stack pointer, saved by `arch::swap`.
    Adopted(usize),
}

// In C's order: what a park and a resume touch comes first, in three cache lines, because with thousands of threads each
// line is a miss.
#[repr(C, align(64))]
pub struct Thread {
    pub waiter: Waiter,
    /// Link of the run queue it is in.
    pub next: Cell<*const Thread>,
    /// The worker that runs it, or ran it last.
    pub worker: Cell<*const Worker>,
    pub fp: Cell<FpControl>,
    /// What its last suspension asked for.
    pub action: Cell<Action>,
    bound: AtomicBool,
    /// It has a `home`, looked at by each switch.
    has_home: AtomicBool,
    /// A greenlet: it runs when it has the turn (`sched::strand`).
    takes_turns: AtomicBool,
    /// Something was thrown into it (`throw`).
    thrown_at: AtomicBool,
    /// It is to run on the process's first kernel thread next, though it is not main.
    wants_first: AtomicBool,
    pub cancel: cancel::State,
    /// The signal mask it asked for.
    pub mask: signal::SharedMask,
    pub signals: signal::Signals,
    context: UnsafeCell<Context>,
    yielder: Cell<*const Yielder<(), ()>>,
    /// Where on its stack it was suspended, roughly.
    suspended_at: Cell<usize>,
    pub pair: Cell<stack::Pair>,
    /// Where the coroutine's part of the stack begins; written by the hatching thread.
    pub stack_base: Cell<usize>,

    /// Set once the hijacked kernel thread has left the stack.
    pub hatched: AtomicU32,
    pub life: AtomicU32,
    /// Who is in pthread_join for it: a record's address, FOREIGN_JOINER, or 0.
    pub joiner: AtomicUsize,
    tid: AtomicU32,
    /// The kernel thread that another thread has made for it, to which it moves when it is next switched to.
    home: AtomicPtr<Worker>,
    /// The tid it had as a green thread, by which locks that it held when it was bound name it; 0 for none.
    former_tid: AtomicU32,
    /// Somebody is giving it a kernel thread, or has.
    claimed: AtomicBool,
    /// Main only: it is to bind itself, because its kernel thread's state has been changed from outside.
    summoned: AtomicBool,
    /// What the kernel keeps for its kernel thread is no longer what the process began with: the threads it makes have to
    /// inherit that.
    altered: AtomicBool,
    /// Which process image it was made in: a forked child's runtime is another.
    pub epoch: Cell<u32>,
    start: Cell<Option<Start>>,
    arg: Cell<*mut c_void>,
    /// The start routine is C11's, which returns an int.
    pub c11: Cell<bool>,
    pub value: Cell<*mut c_void>,
    pub exiting: Cell<bool>,
    pub name: Cell<[u8; 16]>,
    /// Where on the stack its outermost signal handler was called; 0 for none.
    pub handler_at: Cell<usize>,
    /// It is a greenlet, and how many of those the record has been.
    greenlet: Cell<bool>,
    generation: AtomicU32,
    /// No thread has run on the pair yet.
    fresh: Cell<bool>,
}

// SAFETY: a record is written by the thread it describes, or by the worker that holds it suspended; what
// others touch is atomic or guarded by the source they found it in.
unsafe impl Sync for Thread {}
// SAFETY: as above.
unsafe impl Send for Thread {}

/// In the place of the home of a thread that has ended.
const CLOSED: *mut Worker = core::ptr::without_provenance_mut(1);

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

impl Thread {
    fn new(context: Context, tid: u32) -> &'static Thread {
        let t: &'static mut Thread = Box::leak(Box::new(Thread {
            waiter: Waiter::foreign(),
            next: Cell::new(null()),
            action: Cell::new(Action::Park),
            worker: Cell::new(null()),
            fp: Cell::new(FpControl::DEFAULT),
            mask: signal::SharedMask::new(0),
            signals: signal::Signals::new(),
            context: UnsafeCell::new(context),
            yielder: Cell::new(null()),
            suspended_at: Cell::new(0),
            hatched: AtomicU32::new(0),
            pair: Cell::new(stack::Pair::default()),
            stack_base: Cell::new(0),
            bound: AtomicBool::new(false),
            has_home: AtomicBool::new(false),
            takes_turns: AtomicBool::new(false),
            thrown_at: AtomicBool::new(false),
            wants_first: AtomicBool::new(false),
            home: AtomicPtr::new(null_mut()),
            former_tid: AtomicU32::new(0),
            claimed: AtomicBool::new(false),
            summoned: AtomicBool::new(false),
            altered: AtomicBool::new(false),
            life: AtomicU32::new(JOINABLE),
            joiner: AtomicUsize::new(0),
            tid: AtomicU32::new(tid),
            epoch: Cell::new(EPOCH.load(Ordering::Relaxed)),
            start: Cell::new(None),
            arg: Cell::new(null_mut()),
            c11: Cell::new(false),
            value: Cell::new(null_mut()),
            exiting: Cell::new(false),
            cancel: cancel::State::new(),
            name: Cell::new([0; 16]),
            handler_at: Cell::new(0),
            greenlet: Cell::new(false),
            generation: AtomicU32::new(0),
            fresh: Cell::new(true),
        }));
        let this: *const Thread = t;
        t.waiter.set_thread(this);
        t
    }

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
        let t = Thread::new(Context::Coroutine(None), tid);
        t.life.store(FREE, Ordering::Relaxed);
        records.push(t);
        Some(t)
    }

    /// Its pair is gone, or was not made: the record may be another's.
    pub(super) fn retire(&self) {
        // SAFETY: records are never freed.
        RETIRED.lock().push(unsafe { &*(self as *const Thread) });
    }

    /// Makes it a record for a pair that is about to be made; the rest is seen to in [`Thread::prepare`].
    fn begin_anew(&self) {
        self.tid.store(next_tid(), Ordering::Relaxed);
        self.hatched.store(0, Ordering::Relaxed);
        self.bound.store(false, Ordering::Relaxed);
        self.fresh.set(true);
        self.epoch.set(EPOCH.load(Ordering::Relaxed));
        self.name.set([0; 16]);
        self.worker.set(null());
    }

    /// The thread pointer, which is also its `pthread_t`.
    pub fn tp(&self) -> usize {
        self.pair.get().tp
    }

    pub fn is_bound(&self) -> bool {
        self.bound.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub fn is_thrown_at(&self) -> bool {
        self.thrown_at.load(Ordering::Relaxed)
    }

    fn set_thrown_at(&self, on: bool) {
        self.thrown_at.store(on, Ordering::SeqCst);
    }

    /// Whether it is to run on the process's first kernel thread, if that can be had.
    #[inline(always)]
    pub fn belongs_on_first(&self) -> bool {
        is_main(self) || self.wants_first.load(Ordering::Relaxed)
    }

    fn set_wants_first(&self, on: bool) {
        self.wants_first.store(on, Ordering::Relaxed);
    }

    pub fn is_greenlet(&self) -> bool {
        self.greenlet.get()
    }

    /// Which of its greenlets the record is, or was.
    pub fn generation(&self) -> u32 {
        self.generation.load(Ordering::Relaxed)
    }

    /// The thread, which has not begun or is the caller, is a greenlet from now on.
    pub fn begin_greenlet(&self) {
        self.greenlet.set(true);
    }

    /// Nobody will join it any more; a handle of it is stale from now on.
    fn set_free(&self) {
        let free = || self.life.store(FREE, Ordering::Release);
        if self.is_greenlet() {
            while_handles_hold(|| {
                self.generation.fetch_add(1, Ordering::Relaxed);
                free();
            });
        } else {
            free();
        }
    }

    #[inline(always)]
    pub fn takes_turns(&self) -> bool {
        self.takes_turns.load(Ordering::Relaxed)
    }

    pub fn set_takes_turns(&self, on: bool) {
        self.takes_turns.store(on, Ordering::Relaxed);
    }

    pub fn set_bound(&self) {
        self.bound.store(true, Ordering::Relaxed);
    }

    /// Claims the right to give it a kernel thread; false when somebody has.
    pub(super) fn claim(&self) -> bool {
        !self.claimed.swap(true, Ordering::AcqRel)
    }

    /// The claim has come to nothing.
    pub(super) fn unclaim(&self) {
        self.claimed.store(false, Ordering::Release);
    }

    /// The kernel thread that waits for it, or that it is on because it did; null for none. One that has ended and goes on,
    /// as the first thread of a forked child does until the child's others have, gets none.
    #[inline(always)]
    pub fn home(&self) -> *const Worker {
        if !self.has_home.load(Ordering::Acquire) {
            return null();
        }
        let home = self.home.load(Ordering::Acquire);
        if home == CLOSED { null() } else { home }
    }

    /// Gives it a kernel thread to move to; false when it has ended.
    pub(super) fn offer_home(&self, w: &Worker) -> bool {
        let w = (w as *const Worker).cast_mut();
        let taken = self.home.compare_exchange(null_mut(), w, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if taken {
            self.has_home.store(true, Ordering::Release);
        }
        taken
    }

    /// It has ended: takes back the kernel thread that it has not moved to, and refuses any other.
    fn close_home(&self) -> Option<&'static Worker> {
        let home = self.home.swap(CLOSED, Ordering::AcqRel);
        // SAFETY: workers are never freed.
        if self.is_bound() || home == CLOSED { None } else { unsafe { home.as_ref() } }
    }

    pub(super) fn summon(&self) {
        self.summoned.store(true, Ordering::SeqCst);
    }

    /// Whether it was summoned since this was last asked.
    pub(super) fn take_summons(&self) -> bool {
        self.summoned.load(Ordering::Relaxed) && self.summoned.swap(false, Ordering::SeqCst)
    }

    /// See `altered`.
    pub fn is_altered(&self) -> bool {
        self.altered.load(Ordering::Relaxed)
    }

    pub fn set_altered(&self) {
        self.altered.store(true, Ordering::Relaxed);
    }

    /// Whether it was made by the process image that runs now.
    pub fn is_current_epoch(&self) -> bool {
        self.epoch.get() == EPOCH.load(Ordering::Relaxed)
    }

    /// Whether it lives, in this process image, and may run a handler.
    pub fn can_take_signals(&self) -> bool {
        self.is_current_epoch() && matches!(self.life.load(Ordering::Acquire), JOINABLE | DETACHED)
    }

    /// What gettid and the owners of locks show.
    pub fn tid(&self) -> u32 {
        self.tid.load(Ordering::Relaxed)
    }

    /// The tid it had before it was bound; 0 for none.
    pub fn former_tid(&self) -> u32 {
        self.former_tid.load(Ordering::Relaxed)
    }

    /// Whether its tid is the kernel's too.
    pub fn has_kernel_tid(&self) -> bool {
        self.tid() < FIRST_TID
    }

    /// From now on it is known by the tid of its kernel thread. Its descriptor is not: libc's own locks, which it may hold
    /// at any moment (the loader's, in a constructor), name their owner by that.
    pub(super) fn set_kernel_tid(&self, tid: u32) {
        if !self.has_kernel_tid() {
            self.former_tid.store(self.tid(), Ordering::Relaxed);
        }
        self.tid.store(tid, Ordering::Relaxed);
    }

    /// A recycled pair's next thread is another thread: a lock that the last one left held is not its own.
    pub fn renew_tid(&self) {
        self.set_tid(next_tid());
    }

    fn set_tid(&self, tid: u32) {
        self.tid.store(tid, Ordering::Relaxed);
        if let Some(word) = tcb::tid(self.tp()) {
            word.store(tid, Ordering::Relaxed);
        }
    }

    /// Whether the pair can run another thread.
    pub(crate) fn is_recyclable(&self) -> bool {
        let pair = self.pair.get();
        pair.size != 0 && pair.source != stack::Source::Program && !self.is_bound()
    }

    /// Sets what it is to run. The pair is hatched or will be, and has its mask; the thread is not runnable yet.
    pub fn prepare(&self, start: Start, arg: *mut c_void, detached: bool) {
        self.start.set(Some(start));
        self.arg.set(arg);
        self.value.set(null_mut());
        self.exiting.set(false);
        self.joiner.store(0, Ordering::Relaxed);
        self.fp.set(FpControl::save());
        self.c11.set(false);
        self.cancel.reset();
        cancel::reset_word(self.tp());
        self.signals.reset();
        self.handler_at.set(0);
        self.has_home.store(false, Ordering::Relaxed);
        self.home.store(null_mut(), Ordering::Relaxed);
        self.former_tid.store(0, Ordering::Relaxed);
        self.claimed.store(false, Ordering::Relaxed);
        self.altered.store(false, Ordering::Relaxed);
        self.takes_turns.store(false, Ordering::Relaxed);
        self.thrown_at.store(false, Ordering::Relaxed);
        self.greenlet.set(false);
        // It can take signals from now on: with its mask, and an inbox of its own.
        self.life.store(if detached { DETACHED } else { JOINABLE }, Ordering::Release);
        crate::report::live(LIVE.fetch_add(1, Ordering::SeqCst) + 1);
    }

    /// Continues it on the calling worker until it suspends or ends.
    ///
    /// # Safety
    /// The caller owns the suspended thread; `loop_context` receives the caller's own context while an
    /// adopted thread runs; `tp` is the caller's thread pointer.
    #[inline(always)]
    pub unsafe fn resume(&self, loop_context: &Cell<usize>, tp: usize) -> Resumed {
        // SAFETY: the context is the caller's alone while the thread is suspended. Between writing the thread
        // pointer and the stack switch only registers and this frame are used.
        unsafe {
            match &mut *self.context.get() {
                Context::Adopted(sp) => {
                    let sp = *sp;
                    arch::set_thread_pointer(self.tp());
                    arch::swap(loop_context.as_ptr(), sp);
                    arch::set_thread_pointer(tp);
                    Resumed::Suspended
                }
                Context::Coroutine(body) => {
                    if body.is_none() {
                        self.hatch_body(body);
                    }
                    let Some(body) = body else { return Resumed::Ended };
                    arch::set_thread_pointer(self.tp());
                    let result = body.resume(());
                    arch::set_thread_pointer(tp);
                    match result {
                        CoroutineResult::Yield(()) => Resumed::Suspended,
                        CoroutineResult::Return(()) => Resumed::Ended,
                    }
                }
            }
        }
    }

    /// Waits until the kernel thread that made the pair is off its stack.
    pub fn await_hatched(&self) {
        while self.hatched.load(Ordering::Acquire) == 0 {
            futex::wait(&self.hatched, 0);
        }
    }

    /// First run: waits until the kernel thread that made the pair is off its stack, then lays the coroutine.
    #[cold]
    fn hatch_body(&self, body: &mut Option<Body>) {
        self.await_hatched();
        let pair = self.pair.get();
        let this: *const Thread = self;
        tcb::set_depth(pair.tp, 1);
        *body = Some(Coroutine::with_stack(PairStack::of(self.stack_base.get(), pair.limit), move |yielder, ()| {
            // SAFETY: records are never freed, and this one's coroutine is what runs here.
            unsafe { exit::thread_main(&*this, yielder) }
        }));
    }

    /// Brings what a resume touches first into the cache, and its pages into the TLB, while another thread runs: the
    /// frames between the suspension and the hook, the coroutine's base, the engine's words in the TCB. (Measured at
    /// 1,000 connections: 5% of the CPU time a request.)
    #[inline]
    pub fn prefetch(&self) {
        const FRAMES: usize = 6;
        let at = self.suspended_at.get();
        for line in 0..FRAMES {
            arch::prefetch(at.wrapping_add(line * 64));
        }
        arch::prefetch(self.stack_base.get().wrapping_sub(16));
        arch::prefetch(self.tp().wrapping_add_signed(arch::tls_offset()));
        let after = self.next.get() as usize;
        for line in 0..3 {
            arch::prefetch(after.wrapping_add(line * 64));
        }
    }

    /// Leaves the worker. Returns when the thread is resumed, perhaps elsewhere.
    pub fn suspend(&self, action: Action) {
        self.sync_mask();
        self.action.set(action);
        self.suspended_at.set(arch::stack_pointer());
        // SAFETY: called on this thread itself, inside the runtime; the yielder lives at the coroutine's base
        // for as long as it runs; the worker's loop context is valid while the worker runs us.
        unsafe {
            let y = self.yielder.get();
            if y.is_null() {
                let Context::Adopted(sp) = &mut *self.context.get() else { return };
                arch::swap(sp, (*self.worker.get()).loop_context());
            } else {
                (*y).suspend(());
            }
        }
    }

    /// In a handler, or after a jump out of one, the kernel alone knows the mask.
    #[inline]
    pub fn sync_mask(&self) {
        let at = self.handler_at.get();
        if at != 0 {
            self.mask.set(sig::mask());
            let sp = arch::stack_pointer();
            if sp > at && !self.signals.alt.get().has(sp) {
                self.handler_at.set(0);
            }
        }
    }

    pub(crate) fn set_yielder(&self, y: *const Yielder<(), ()>) {
        self.yielder.set(y);
    }

    /// The finished coroutine is dropped (its stack is the pair's and stays), the record can start again.
    fn clear_body(&self) {
        // SAFETY: called by the worker after the coroutine has returned.
        unsafe {
            if let Context::Coroutine(body) = &mut *self.context.get() {
                drop(body.take());
            }
        }
        self.yielder.set(null());
    }

    pub(crate) fn take_start(&self) -> Option<(Start, *mut c_void)> {
        self.start.take().map(|s| (s, self.arg.get()))
    }

    /// Whether the pair has run a thread before.
    pub(crate) fn is_recycled(&self) -> bool {
        !self.fresh.replace(false)
    }
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
    let t = Thread::new(Context::Adopted(0), crate::sys::gettid());
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
