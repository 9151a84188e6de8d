//! The recruiter: a kernel thread that makes the other kernel threads.
//!
//! libc's `pthread_create` enters the program's malloc and the loader. A green thread may have been preempted, or be parked, with a lock
//! of either, and only a worker can make it go on. So nobody whom threads wait for makes kernel threads, the monitor least of all:
//! the pool has a worker in reserve, and the recruiter replaces it when it is taken.

use super::{monitor, pool, scout};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::report;
use crate::sys::lock::Lock;
use crate::sys::{self, futex, time};

const STACK: usize = 128 * 1024;

static STATE: AtomicU32 = AtomicU32::new(ABSENT);
/// Not made.
const ABSENT: u32 = 0;
const ASLEEP: u32 = 1;
const CALLED: u32 = 2;
const RECRUITS: u32 = 3;

/// The kernel has refused a thread: it is not asked before that time, nor is anybody to wait for it.
static REFUSED_UNTIL: AtomicU64 = AtomicU64::new(0);
const AFTER_REFUSAL: u64 = time::SECOND / 100;

/// Its kernel thread's id, 0 before it runs.
static TID: AtomicU32 = AtomicU32::new(0);

/// Held while a kernel thread is made, until it has begun.
static MAKING: Lock<()> = Lock::new(());

/// Makes a kernel thread; `spawn` comes back when it has begun.
pub(super) fn make(spawn: impl FnOnce() -> bool) -> bool {
    let _held = MAKING.lock();
    spawn()
}

/// Before a fork that libc does not know of: its list of threads stays in the child as it is, and there setuid and its kin wait for those
/// that have not begun. Not for ever: what making one needs may be the caller's. Whether none is made until [`let_go`].
pub fn hold_still() -> bool {
    const PATIENCE: u64 = time::SECOND;
    let until = time::after(PATIENCE);
    let has_begun =
        || (monitor::is_absent() || monitor::tid() != 0) && (STATE.load(Ordering::SeqCst) == ABSENT || tid() != 0);
    while !(has_begun() && MAKING.try_hold()) {
        if time::now() >= until {
            return false;
        }
        super::step_aside();
    }
    true
}

pub fn let_go() {
    MAKING.let_go();
}

pub(super) fn tid() -> u32 {
    TID.load(Ordering::Relaxed)
}

/// Makes it, and the reserve: now, before there is a second thread that could have the locks which that needs.
pub(super) fn start() {
    pool::recruit();
    STATE.store(ASLEEP, Ordering::SeqCst);
    // SAFETY: `main` looks at no argument.
    if unsafe { !pool::spawn_kernel_thread(main, core::ptr::null_mut(), STACK) } {
        STATE.store(ABSENT, Ordering::SeqCst);
        report::count(report::Event::WorkerRefused);
    }
}

/// A worker is wanted, or the scout. Async-signal-safe, but where the kernel has refused a recruiter: the caller makes it then.
pub(super) fn call() {
    let refused_until = REFUSED_UNTIL.load(Ordering::Relaxed);
    if refused_until != 0 && time::now() < refused_until {
        return;
    }
    if STATE.load(Ordering::SeqCst) == ABSENT {
        pool::recruit();
    } else if STATE.swap(CALLED, Ordering::SeqCst) == ASLEEP {
        futex::wake(&STATE, 1);
    }
}

/// The kernel has refused a thread. The monitor calls again while one is wanted.
pub(super) fn refused() {
    REFUSED_UNTIL.store(time::after(AFTER_REFUSAL), Ordering::Relaxed);
}

/// Whether a worker is wanted, and the kernel may still give one.
pub(super) fn is_at_it() -> bool {
    matches!(STATE.load(Ordering::SeqCst), CALLED | RECRUITS)
}

unsafe extern "C-unwind" fn main(_: *mut core::ffi::c_void) -> *mut core::ffi::c_void {
    crate::arch::tls::set_depth(1);
    TID.store(sys::gettid(), Ordering::Relaxed);
    loop {
        while STATE.load(Ordering::SeqCst) == ASLEEP {
            futex::wait(&STATE, ASLEEP);
        }
        // What is wanted from here on calls again.
        STATE.store(RECRUITS, Ordering::SeqCst);
        pool::recruit();
        scout::make_if_wanted();
        let _ = STATE.compare_exchange(RECRUITS, ASLEEP, Ordering::SeqCst, Ordering::Relaxed);
    }
}

/// # Safety
/// The caller is the only thread of a forked child.
pub(super) unsafe fn after_fork() {
    STATE.store(ABSENT, Ordering::Relaxed);
    TID.store(0, Ordering::Relaxed);
    REFUSED_UNTIL.store(0, Ordering::Relaxed);
    // SAFETY: the caller's promise.
    unsafe { MAKING.reset(()) };
}
