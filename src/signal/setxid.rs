//! setuid(2) and its kin: glibc marks the descriptor of every thread of its list but the caller's, signals the kernel
//! thread whose tid it holds, and waits until each has made the call and cleared its mark, on the descriptor that it finds
//! through the thread pointer. Under us that is a green thread's, or the loop's: so the handler runs on the descriptor
//! that glibc asked. Green threads have tids that no kernel thread has: glibc's signal finds nobody, and it passes them over.
//!
//! Each kernel thread must make the call once: the second of two `setreuid` that swap undoes the first. Where two descriptors
//! show the tid of one, the second is made to show another while it would be asked too:
//!
//! - the caller's kernel thread: of the two, glibc passes over the caller's own, and the loop's is hidden for the call;
//! - the process's first: the loop's stands for it (see `start::activate`) when main calls on another worker, and is hidden when
//!   another thread calls. That one leaves worker 0 first: main's own is left alone, since main may look at it meanwhile;
//! - one whose bound thread shows its tid: the loop's shows another from then on (`bind::to_kernel_tid`).
//!
//! glibc makes one such call at a time. What it must not find is hidden before it begins, so we do as well.

use crate::arch::{self, tls};
use crate::atomic::{AtomicU32, AtomicUsize, Ordering, fence};
use crate::sched::{self, Worker};
use crate::signal::preempt;
use crate::sys;
use crate::sys::lock::Lock;
use crate::sys::sig::{self, KernelAction};
use crate::syscall;
use crate::thread::{self, Thread, exit, tcb};
use core::ffi::{c_int, c_void};

type Handler = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

static NATIVE: AtomicUsize = AtomicUsize::new(0);

/// Puts our handler before glibc's, which the first real pthread_create has installed. What `preempt` sends arrives there as well,
/// and asks for the worker's alternate stack.
pub fn take_over() {
    let mut action = KernelAction::default();
    // SAFETY: queries and installs live kernel structures; the restorer stays glibc's.
    unsafe {
        let got = syscall!(libc::SYS_rt_sigaction, sig::SETXID, 0usize, &raw mut action, 8usize);
        if got.is_ok() && action.handler > 1 && action.handler != on_signal as *const () as usize {
            NATIVE.store(action.handler, Ordering::Relaxed);
            action.handler = on_signal as *const () as usize;
            action.flags |= libc::SA_ONSTACK as u64;
            action.mask = sig::ALL;
            let _ = syscall!(libc::SYS_rt_sigaction, sig::SETXID, &raw const action, 0usize, 8usize);
        }
    }
}

/// What [`end`] puts back.
#[derive(Debug)]
pub struct Call([Option<Hidden>; 2]);

/// A descriptor's tid word, and what it showed.
#[derive(Debug)]
struct Hidden(&'static AtomicU32, u32);

static ONE_AT_A_TIME: Lock<()> = Lock::new(());

/// The calling thread is about to have libc change the ids of the process, and is inside the runtime until [`end`]: a handler
/// of the program, which may wait, is put off.
pub fn begin() -> Call {
    tls::enter();
    sched::leave_first_worker();
    ONE_AT_A_TIME.hold();
    let callers = worker().map(Worker::loop_pointer);
    let first = sched::first_worker().filter(|_| !thread::is_main(tls::current())).map(Worker::loop_pointer);
    Call([callers, first.filter(|_| first != callers)].map(|tp| tp.and_then(hide)))
}

/// The call has been made.
pub fn end(call: Call) {
    for Hidden(word, tid) in call.0.into_iter().flatten() {
        word.store(tid, Ordering::Relaxed);
    }
    ONE_AT_A_TIME.let_go();
    tls::leave();
}

/// Has the descriptor at `tp` show the tid of nobody, unless it is the calling thread's own.
fn hide(tp: usize) -> Option<Hidden> {
    let word = tcb::tid(tp).filter(|_| tp != arch::thread_pointer())?;
    Some(Hidden(word, word.swap(thread::TID_OF_NOBODY, Ordering::Relaxed)))
}

pub fn fork_prepare() {
    ONE_AT_A_TIME.hold();
}

pub fn fork_done() {
    ONE_AT_A_TIME.let_go();
}

/// The worker whose kernel thread calls.
fn worker() -> Option<&'static Worker> {
    let t = tls::current();
    // SAFETY: records and workers are never freed.
    unsafe { if t.is_null() { arch::tls_worker().as_ref() } else { (*t).worker.get().as_ref() } }
}

/// The descriptor that glibc asked this kernel thread through; one a signal.
fn asked(tp: usize) -> usize {
    let Some(w) = worker() else { return tp };
    let initial =
        if w.is_first() { thread::main_thread().map_or_else(exit::initial_thread_pointer, Thread::tp) } else { tp };
    let tid = sys::gettid();
    let shows_tid = |tp| tcb::tid(tp).is_some_and(|word| word.load(Ordering::Relaxed) == tid);
    [w.loop_pointer(), initial].into_iter().find(|&own| tcb::is_asked_to_set_ids(own) && shows_tid(own)).unwrap_or(tp)
}

/// The calling kernel thread, whose signals are blocked, is about to end without glibc's knowledge. Its descriptor shows
/// another tid already: what has been asked of it before is still done, or glibc would wait for it for ever.
pub fn settle(tp: usize) {
    fence(Ordering::SeqCst);
    if !tcb::is_asked_to_set_ids(tp) {
        return;
    }
    let mask = sig::set_mask(sig::ALL & !sig::bit(sig::SETXID));
    while tcb::is_asked_to_set_ids(tp) {
        sys::sched_yield();
    }
    sig::set_mask(mask);
}

unsafe extern "C" fn on_signal(signo: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel's arguments.
    unsafe {
        if preempt::is_asked(&*info) {
            preempt::interrupted(signo, info, context);
            return;
        }
    }
    let native = NATIVE.load(Ordering::Relaxed);
    let tp = arch::thread_pointer();
    let own = asked(tp);
    // SAFETY: glibc's handler with the kernel's arguments. It touches the descriptor and makes one system call; the
    // thread pointer is put back before anything else of ours runs.
    unsafe {
        let native: Handler = core::mem::transmute(native);
        arch::set_thread_pointer(own);
        native(signo, info, context);
        arch::set_thread_pointer(tp);
    }
}
