//! The file that wires the engine: load, activation, fork, exit.

use crate::arch;
use crate::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use crate::config::{self, log};
use crate::ops;
use crate::origin;
use crate::park::lot;
use crate::patch::{self, Set};
use crate::reactor;
use crate::real;
use crate::report;
use crate::sched::{self, EventSource};
use crate::signal;
use crate::sys::{self, alloc, sig, time};
use crate::thread::beside::Shares;
use crate::thread::tls_image::LOADER;
use crate::thread::{self, exit, hijack, recycle, tcb};
use crate::timer;
use crate::tls;

/// Whether green threads exist in this process image. The first thing every hook reads.
static STATE: AtomicU32 = AtomicU32::new(INERT);
/// Not loaded, disabled, or this libc is not one we can hijack.
const INERT: u32 = 0;
/// Loaded; nothing starts until the second thread.
const LOADED: u32 = 1;
/// Active, and every number above it too: so many more vfork children have a thread's stack, or there may be a process
/// beside us; and above that, bits for the patch sets that are off.
const ACTIVE: u32 = 2;
const OFF_SHIFT: u32 = 24;
const COUNT: u32 = (1 << OFF_SHIFT) - 1;

/// Whether nothing is to start until the program says so: it is linked with the library, which is not preloaded.
static DORMANT: AtomicBool = AtomicBool::new(false);

/// Whether threads may have been made that the library did not see, because nothing was to start, or they were to be the kernel's.
static LEFT_TO_LIBC: AtomicBool = AtomicBool::new(false);

/// How long threads that were in the middle of a call of libc's, when the library came alive, have to come out of it.
const IN_THE_MIDDLE: u64 = 20_000_000;

/// 1 once there has been a process beside us.
static BESIDE: AtomicU32 = AtomicU32::new(0);

/// Whether there are green threads and the caller is no vfork child, nor another process that has our memory: such a one is to
/// change nothing in it.
#[inline(always)]
pub fn active() -> bool {
    match STATE.load(Ordering::Relaxed) {
        ACTIVE => true,
        state => state > ACTIVE && active_beside_child(),
    }
}

#[cold]
fn active_beside_child() -> bool {
    !arch::tls::is_held()
}

/// How the calls of a patch set are served: `None`: by libc, as where [`active`] says no. False: by libc too, with the permit given
/// up, because the set is off.
#[inline(always)]
pub fn serves(set: Set) -> Option<bool> {
    match STATE.load(Ordering::Relaxed) {
        ACTIVE => Some(true),
        state if state > ACTIVE => serves_some(set, state),
        _ => None,
    }
}

#[cold]
fn serves_some(set: Set, state: u32) -> Option<bool> {
    active_beside_child().then_some(set.is_on(state >> OFF_SHIFT))
}

/// Other patch sets are off than before.
pub fn patches_changed() {
    if patch::off().bits() & Set::THREAD.bits() != 0 {
        LEFT_TO_LIBC.store(true, Ordering::Relaxed);
    }
    let change = |state: u32| (state >= ACTIVE).then(|| state & COUNT | patch::off().bits() << OFF_SHIFT);
    let _ = STATE.fetch_update(Ordering::SeqCst, Ordering::SeqCst, change);
}

/// Whether descriptors may be the library's in the caller's table, be it its process's own, a copy, or its parent's.
#[inline(always)]
pub fn is_table_watched() -> bool {
    match STATE.load(Ordering::Relaxed) {
        ACTIVE.. => true,
        INERT => false,
        _ => reactor::is_table_shared(),
    }
}

/// Whether the library is loaded, with or without a second thread.
pub fn loaded() -> bool {
    STATE.load(Ordering::Relaxed) != INERT
}

/// A process is about to be put into our memory. Nobody tells when it has gone: from now on each hook looks whether it is its
/// caller.
pub fn process_beside() {
    if BESIDE.swap(1, Ordering::Relaxed) == 0 && started() {
        STATE.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether there are green threads: what a vfork child wakes may be one of its parent's.
#[inline(always)]
pub fn started() -> bool {
    STATE.load(Ordering::Relaxed) >= ACTIVE
}

/// Lends the calling thread's stack and TCB to a vfork child that is about to be made. No signal comes until
/// [`vfork_parent`], or in the child [`vfork_child`].
pub fn vfork_prepare(shares: Shares) {
    let mask = sys::sig::set_mask(sys::sig::ALL);
    STATE.fetch_add(1, Ordering::Relaxed);
    arch::tls::hold(mask, shares.bits());
}

/// In the child.
pub fn vfork_child() {
    sys::sig::set_mask(arch::tls::held_mask());
}

/// In the parent, when the child has gone its own way, or was not made.
pub fn vfork_parent() {
    let mask = arch::tls::release();
    STATE.fetch_sub(1, Ordering::Relaxed);
    // The child may have taken the mark that something waits for the thread.
    arch::tls::set_deferred(true);
    sys::sig::set_mask(mask);
}

/// Reads the environment and checks what libc is. Called by the library's constructor, once.
pub fn load() {
    config::load();
    let config = config::get();
    if config.disabled {
        if origin::is_preloaded() && !config::is_secure() {
            tls::load(Some("GREENLET_DISABLE is set"));
        }
        return;
    }
    arch::init(!config.force.arch_prctl);
    if !tcb::init() || !exit::init() {
        log(format_args!("this libc is not one that threads can be taken over in: every thread stays a kernel thread"));
        if origin::is_preloaded() {
            tls::load(Some("this libc is not one that the library knows"));
        }
        return;
    }
    alloc::look_for_valgrind();
    register_at_fork();
    // SAFETY: a function of this library, which is never unloaded (-z nodelete).
    unsafe { libc::atexit(at_exit) };
    DORMANT.store(!origin::is_preloaded(), Ordering::Relaxed);
    LEFT_TO_LIBC.store(!origin::is_preloaded(), Ordering::Relaxed);
    patch::limit_to(config.patch);
    if origin::is_preloaded() {
        tls::load(None);
    }
    STATE.store(LOADED, Ordering::Release);
    log(format_args!("loaded: {} workers, stack size {}", config.workers, config.stack_size));
}

extern "C" fn at_exit() {
    if !arch::tls::is_held() {
        tls::exits();
        report::at_exit();
    }
}

/// Events and deadlines, as one place to idle in.
struct Events;

impl EventSource for Events {
    fn poll(&self) -> usize {
        let expired = if timer::next_deadline() == u64::MAX { 0 } else { timer::expire(time::now()) };
        if reactor::wants_verification() {
            reactor::verify(time::now());
        }
        let found = if reactor::is_in_use() || timer::any_real() { reactor::collect(Some(0)) } else { 0 };
        if reactor::take_notification() && sched::is_polling() {
            reactor::notify();
        }
        look_at_signals();
        let expired_then = if look_at_clock() { timer::expire(time::now()) } else { 0 };
        expired + found + expired_then
    }

    fn wait(&self) {
        let now = time::now();
        let verify = reactor::verify(now).unwrap_or(u64::MAX);
        let deadline = timer::next_deadline().min(verify);
        if deadline <= now {
            reactor::collect(Some(0));
        } else {
            reactor::collect((deadline != u64::MAX).then_some(deadline));
        }
        reactor::take_notification();
        look_at_signals();
        look_at_clock();
        timer::expire(time::now());
    }

    fn notify(&self) {
        reactor::notify();
    }
}

fn look_at_signals() {
    if reactor::take_signalled() {
        signal::route::collect_from_kernel(sig::ALL);
    }
}

/// Whether CLOCK_REALTIME has been set and other deadlines are due because of that.
fn look_at_clock() -> bool {
    let moved = reactor::take_clock_set() && timer::clock_was_set();
    if moved && sched::is_polling() {
        reactor::notify();
    }
    moved
}

/// Starts the engine because the program says so, also beside threads that it has made before: those stay kernel threads.
pub fn awaken() -> bool {
    if !started() && !is_first_thread() {
        return false;
    }
    let was_dormant = DORMANT.swap(false, Ordering::Relaxed);
    let done = activate();
    if !done {
        DORMANT.store(was_dormant, Ordering::Relaxed);
    }
    done
}

/// Starts the engine: the calling thread, the only one so far, is about to make a second. False when it
/// cannot be, and threads stay kernel threads.
pub fn activate() -> bool {
    if DORMANT.load(Ordering::Relaxed) {
        return false;
    }
    match STATE.load(Ordering::Acquire) {
        // Not in another process's memory; and what the library opened in another's table would stay there.
        LOADED if arch::tls::is_held() || reactor::is_table_shared() => return false,
        LOADED => {}
        state => return state >= ACTIVE && active(),
    }
    if !is_first_thread() {
        return false;
    }
    let has_elders = LEFT_TO_LIBC.load(Ordering::Relaxed) && !sys::is_single_threaded();
    if has_elders {
        // Said before there is anybody who could ask.
        thread::foreign::note_elders();
    }
    real::resolve_all();
    if !alloc::has_room_to_start() {
        log(format_args!("no memory: every thread stays a kernel thread"));
        return false;
    }
    if let Err(e) = reactor::start() {
        log(format_args!("no reactor (error {}): every thread stays a kernel thread", e.0));
        return false;
    }
    // The TCB and stack of worker 0's loop.
    let Some(loop_pair) = hijack::make_empty() else { return false };
    let pair = loop_pair.pair.get();
    // It stands for this kernel thread in glibc's list when main, who is not at home, calls setuid.
    if let Some(word) = tcb::tid(pair.tp) {
        word.store(sys::gettid(), Ordering::Relaxed);
    }
    let main = thread::adopt_current();
    // SAFETY: the only thread; the pair is nobody else's.
    unsafe { sched::start(config::get().workers, &Events, main, pair.tp, loop_pair.stack_base.get()) };
    signal::altstack::first_worker_started(main);
    signal::route::take_over(main);
    exit::watch_main();
    STATE.store(ACTIVE + BESIDE.load(Ordering::Relaxed), Ordering::SeqCst);
    patches_changed();
    signal::action::wrap_existing();
    signal::preempt::start();
    signal::setxid::take_over();
    log(format_args!("active in process {}", sys::getpid()));
    if has_elders {
        time::pause(IN_THE_MIDDLE);
    }
    true
}

/// Whether the caller can be adopted as the main thread: one that libc did not make (a raw clone) cannot, nor one that the program
/// has made meanwhile.
fn is_first_thread() -> bool {
    sys::gettid() as i32 == sys::getpid()
}

/// Registers the fork handlers, unless that is done. Called by [`load`] and before anybody else registers some, which
/// may be earlier: an allocator does it in its first call.
///
/// Who registers first prepares last and settles first. So no handler of others, which may wait, runs while our locks
/// are held, and none in a child whose runtime is still its parent's.
pub fn register_at_fork() {
    static DONE: AtomicU32 = AtomicU32::new(0);
    if DONE.swap(1, Ordering::Relaxed) == 0 {
        // SAFETY: the handlers are functions of this library, which is never unloaded (-z nodelete).
        unsafe {
            real::__register_atfork(Some(before_fork), Some(fork_parent), Some(fork_child), core::ptr::null_mut());
        }
    }
}

/// Whether the forking thread keeps the recruiter from making kernel threads.
static HAS_RECRUITER: AtomicBool = AtomicBool::new(false);

/// Whether the forking thread has the lock of libc's list of streams.
static HAS_STREAMS: AtomicBool = AtomicBool::new(false);

/// Before a fork of libc's, which waits for the lock of its list of streams when ours are held. Who has that may be in a function of the
/// program's that writes a stream (fopencookie(3)), parked or preempted there, and does not go on without ours: so it is taken first. Nor
/// does this wait for the loader with it: who has the loader's lock may be in a function of the program's that opens a stream.
extern "C" fn before_fork() {
    let has_streams = started();
    if has_streams {
        // SAFETY: libc's own; one thread may take the lock several times.
        unsafe {
            real::_IO_list_lock();
            while !LOADER.try_hold() {
                real::_IO_list_unlock();
                LOADER.hold();
                LOADER.let_go();
                real::_IO_list_lock();
            }
        }
    } else {
        LOADER.hold();
    }
    HAS_STREAMS.store(has_streams, Ordering::Relaxed);
    hold_all();
}

/// Before any other fork. Who has the loader may wait for a thread that the recruiter is to make.
pub fn fork_prepare() {
    let has_recruiter = loop {
        let has_recruiter = started() && sched::recruiter::hold_still();
        if LOADER.try_hold() {
            break has_recruiter;
        }
        if has_recruiter {
            sched::recruiter::let_go();
        }
        LOADER.hold();
        LOADER.let_go();
    };
    HAS_RECRUITER.store(has_recruiter, Ordering::Relaxed);
    HAS_STREAMS.store(false, Ordering::Relaxed);
    hold_all();
}

/// But the loader, which is held already: who has that may wait for a thread that needs the others.
///
/// Signals are blocked over the fork itself, so that the child can tell those that are its own: what its copy of the
/// runtime holds is the parent's.
fn hold_all() {
    signal::setxid::fork_prepare();
    sched::scout::fork_prepare();
    tls::fork_prepare();
    reactor::fork_prepare();
    ops::channel::fork_prepare();
    signal::action::fork_prepare();
    thread::fork_prepare();
    alloc::fork_prepare();
    thread::bind::is_parent();
    MASK.store(sig::set_mask(sig::ALL), Ordering::Relaxed);
}

pub extern "C" fn fork_parent() {
    let mask = MASK.load(Ordering::Relaxed);
    let has_streams = HAS_STREAMS.load(Ordering::Relaxed);
    release_after_fork();
    if has_streams {
        // SAFETY: libc's own; `before_fork` took it.
        unsafe { real::_IO_list_unlock() };
    }
    sig::set_mask(mask);
}

fn release_after_fork() {
    alloc::fork_done();
    thread::fork_done();
    signal::action::fork_done();
    ops::channel::fork_done();
    reactor::fork_done();
    tls::fork_done();
    sched::scout::fork_done();
    signal::setxid::fork_done();
    LOADER.let_go();
    if HAS_RECRUITER.swap(false, Ordering::Relaxed) {
        sched::recruiter::let_go();
    }
}

/// What the forking thread's mask was before the fork.
static MASK: AtomicU64 = AtomicU64::new(0);

/// The child of a fork: one thread, on whatever stack it forked from. It is the main thread of a process
/// image where nothing of ours has started. glibc takes every other TCB and stack back: nothing that lived on
/// them is used again.
pub extern "C" fn fork_child() {
    child(thread::Others::Reclaimed, reactor::Table::Own);
}

/// The same after a fork that is not libc's function of that name: libc still lists the TCBs of its parent's threads.
pub fn raw_fork_child(table: reactor::Table) {
    child(thread::Others::Listed, table);
}

fn child(others: thread::Others, table: reactor::Table) {
    if !started() {
        fork_parent();
        // SAFETY: the child has one thread.
        unsafe { tls::after_fork() };
        return;
    }
    if arch::tls::is_held() {
        // A child in our memory forked: this one has memory of its own.
        arch::tls::release();
    }
    let mask = MASK.load(Ordering::Relaxed);
    arch::tls::enter();
    release_after_fork();
    // SAFETY: the child has one thread.
    unsafe { after_fork(others, table) };
    BESIDE.store(0, Ordering::Relaxed);
    STATE.store(LOADED, Ordering::Release);
    arch::tls::set_depth(0);
    sig::set_mask(mask);
}

/// # Safety
/// The caller is the only thread of a forked child.
unsafe fn after_fork(others: thread::Others, table: reactor::Table) {
    // The kernel copied the worker's rseq registration, whose area lies in a TCB that may be unmapped.
    let t = arch::tls::current();
    // SAFETY: the records and the worker are memory of ours, which fork copied; the caller is alone.
    unsafe {
        if let Some(t) = t.as_ref() {
            signal::after_fork(t);
            let w = t.worker.get();
            if let Some(tp) = w.as_ref().and_then(|w| w.started_on()) {
                hijack::unregister_rseq(tp);
            }
        }
        sched::after_fork();
        reactor::after_fork(table);
        timer::after_fork();
        ops::alarm::after_fork();
        lot::after_fork();
        ops::mutex::after_fork();
        ops::stdio::after_fork();
        recycle::after_fork();
        thread::after_fork(others);
        thread::foreign::after_fork();
        thread::beside::after_fork();
        exit::after_fork();
        tls::after_fork();
    }
    report::after_fork();
    arch::tls::set_deferred(false);
    arch::set_tls_worker(core::ptr::null());
    arch::set_own_table(false);
}
