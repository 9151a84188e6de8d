//! The record of a thread, and its context: what a worker continues and a thread leaves.

use super::stack::{self, PairStack};
use super::wait::Waiter;
use super::{DETACHED, EPOCH, FIRST_TID, FREE, JOINABLE, LIVE, Start, cancel, exit, next_tid, tcb, while_handles_hold};
use crate::arch::{self, FpControl};
use crate::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use crate::sched::{Action, Worker};
use crate::signal;
use crate::sys::{futex, sig};
use core::cell::{Cell, UnsafeCell};
use core::ffi::c_void;
use core::ptr::{null, null_mut};
use corosensei::{Coroutine, CoroutineResult, Yielder};

type Body = Coroutine<(), (), (), PairStack>;

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

impl Thread {
    /// Of a pair that is about to be made.
    pub(super) fn unborn(tid: u32) -> &'static Thread {
        let t = Thread::new(Context::Coroutine(None), tid);
        t.life.store(FREE, Ordering::Relaxed);
        t
    }

    /// Of the calling thread, on the stack that it has.
    pub(super) fn adopted(tid: u32) -> &'static Thread {
        Thread::new(Context::Adopted(0), tid)
    }

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

    /// Makes it a record for a pair that is about to be made; the rest is seen to in [`Thread::prepare`].
    pub(super) fn begin_anew(&self) {
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

    pub(super) fn set_thrown_at(&self, on: bool) {
        self.thrown_at.store(on, Ordering::SeqCst);
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
    pub(super) fn set_free(&self) {
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
    pub(super) fn close_home(&self) -> Option<&'static Worker> {
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
    pub(super) fn clear_body(&self) {
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
