//! The scout: who looks into `/proc` for the others.
//!
//! A file that is opened has the lowest free number, if only for a moment, and a program that closes a number and goes on using it, or
//! closes one and opens another for it, would meet that file. So what opens files while the program runs is done by this kernel
//! thread, which has a table of descriptors of its own, and nothing in it. The recruiter makes it when it is first wanted. Where it cannot be made (Linux before 5.9, no more threads) who asks does it himself.
//!
//! Rejected: descriptors of each worker's files, kept open at high numbers. Two for each of thousands of workers is much of
//! `RLIMIT_NOFILE`, and the kernel opens those at the lowest number, too.

use super::{become_helper, pool, recruiter};
use crate::arch;
use crate::atomic::{AtomicPtr, AtomicU32, Ordering};
use crate::sys::lock::Lock;
use crate::sys::{futex, time};
use crate::syscall;
use core::ffi::c_void;
use core::ptr::null_mut;

const STACK: usize = 64 * 1024;
/// How long to wait for the recruiter to make it: that may need what the caller has.
const PATIENCE: u64 = time::SECOND / 100;

static STATE: AtomicU32 = AtomicU32::new(ABSENT);
const ABSENT: u32 = 0;
/// The recruiter is to make it.
const WANTED: u32 = 1;
const READY: u32 = 2;
/// It cannot be made.
const REFUSED: u32 = 3;

/// What is to be done, and whether that is so.
static ERRAND: AtomicPtr<Errand> = AtomicPtr::new(null_mut());
static IS_SENT: AtomicU32 = AtomicU32::new(0);
static IS_DONE: AtomicU32 = AtomicU32::new(0);
/// Who may send it.
static SENDING: Lock<()> = Lock::new(());

struct Errand {
    call: unsafe fn(*mut c_void),
    of: *mut c_void,
}

/// Does what opens files. The caller holds none of the locks that `f` may want.
pub fn send<R>(f: impl FnOnce() -> R) -> R {
    let state = STATE.load(Ordering::Acquire);
    if !(state == READY || state != REFUSED && comes_in_time()) {
        return f();
    }
    let mut f = Some(f);
    let mut answer = None;
    let mut run = || answer = f.take().map(|f| f());
    send_errand(&mut run);
    answer.unwrap_or_else(|| unreachable!("an errand is done once"))
}

fn send_errand<F: FnMut()>(run: &mut F) {
    unsafe fn call<F: FnMut()>(of: *mut c_void) {
        // SAFETY: the closure of the thread that waits for it.
        unsafe { (*of.cast::<F>())() }
    }
    let mut errand = Errand { call: call::<F>, of: (run as *mut F).cast() };
    let _alone = SENDING.lock();
    IS_DONE.store(0, Ordering::Relaxed);
    ERRAND.store(&mut errand, Ordering::Relaxed);
    IS_SENT.store(1, Ordering::Release);
    futex::wake(&IS_SENT, 1);
    while IS_DONE.load(Ordering::Acquire) == 0 {
        futex::wait(&IS_DONE, 0);
    }
}

/// Whether it is made soon, now that it is wanted. Who wants it first waits for it.
#[cold]
fn comes_in_time() -> bool {
    if recruiter::tid() == 0 || STATE.compare_exchange(ABSENT, WANTED, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        return STATE.load(Ordering::Acquire) == READY;
    }
    recruiter::call();
    let deadline = time::after(PATIENCE);
    while STATE.load(Ordering::Acquire) == WANTED {
        if futex::wait_until(&STATE, WANTED, Some(deadline.into())) == Err(crate::errno::Errno::TIMEDOUT) {
            break;
        }
    }
    STATE.load(Ordering::Acquire) == READY
}

/// The recruiter's: makes it if somebody has asked for it.
pub(super) fn make_if_wanted() {
    if STATE.load(Ordering::Acquire) != WANTED {
        return;
    }
    recruiter::make(|| {
        // SAFETY: `main` looks at no argument.
        let made = unsafe { pool::spawn_kernel_thread(main, null_mut(), STACK) };
        if !made {
            become_state(REFUSED);
        }
        while STATE.load(Ordering::Acquire) == WANTED {
            futex::wait(&STATE, WANTED);
        }
        made
    });
}

fn become_state(state: u32) {
    STATE.store(state, Ordering::Release);
    futex::wake(&STATE, u32::MAX >> 1);
}

unsafe extern "C-unwind" fn main(_: *mut c_void) -> *mut c_void {
    arch::tls::set_depth(1);
    // SAFETY: integers. From here on the table is this thread's own, and empty.
    if unsafe { syscall!(libc::SYS_close_range, 0, u32::MAX, libc::CLOSE_RANGE_UNSHARE) }.is_err() {
        become_state(REFUSED);
        return null_mut();
    }
    become_helper();
    become_state(READY);
    loop {
        while IS_SENT.swap(0, Ordering::Acquire) == 0 {
            futex::wait(&IS_SENT, 0);
        }
        // SAFETY: who sent it waits until it is done.
        unsafe {
            let errand = &*ERRAND.load(Ordering::Relaxed);
            (errand.call)(errand.of);
        }
        IS_DONE.store(1, Ordering::Release);
        futex::wake(&IS_DONE, 1);
    }
}

/// Held over a fork, so that the child finds nobody on an errand.
pub fn fork_prepare() {
    SENDING.hold();
}

pub fn fork_done() {
    SENDING.let_go();
}

/// # Safety
/// The caller is the only thread of a forked child.
pub(super) unsafe fn after_fork() {
    STATE.store(ABSENT, Ordering::Relaxed);
    IS_SENT.store(0, Ordering::Relaxed);
}
