//! Creation: taking over a real pthread.
//!
//! The real `pthread_create` makes the TCB, static TLS, DTV and stack. On the new kernel thread, [`hatch`]
//! records what glibc made, takes the TCB away from the kernel (tid address, robust list, rseq), publishes
//! the pair and ends the kernel thread only. The pair is what a green thread runs on from then on.

use super::stack::{Pair, Source};
use super::{Thread, slab, tcb};
use crate::arch::{self, tls};
use crate::atomic::Ordering;
use crate::real;
use crate::signal;
use crate::sys::sig;
use crate::syscall;
use core::ffi::c_void;

const RSEQ_UNREGISTER: usize = 1;
const RSEQ_SIGNATURE: usize = 0x5305_3053;
const RSEQ_LEN: usize = 32;

/// The stack a thread asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub size: usize,
    pub guard: usize,
    /// The lowest address of a stack that is the program's own memory.
    pub user: Option<usize>,
}

/// Makes a new pair with libc, from attributes that are joinable, which it changes. The thread may not have hatched when
/// this returns; `Err` is libc's error number.
///
/// # Safety
/// `attr` is an initialised attribute object of the caller's.
pub unsafe fn make(attr: &mut libc::pthread_attr_t, shape: Shape) -> Result<&'static Thread, i32> {
    let t = Thread::for_pair().ok_or(libc::EAGAIN)?;
    let slab = if shape.user.is_some() { None } else { slab::take(shape.size, shape.guard) };
    let slab = slab.filter(|&at| {
        // SAFETY: the caller's object.
        let taken =
            unsafe { real::pthread_attr_setstack(attr, core::ptr::without_provenance_mut(at), shape.size) } == 0;
        if !taken {
            // SAFETY: just taken, for nobody.
            unsafe { slab::give(at) };
        }
        taken
    });
    let mut handle: libc::pthread_t = 0;
    // Not glibc's own signal: libc's creation waits for a lock that a setuid holds until this kernel thread has answered.
    let mask = sig::set_mask(sig::ALL & !sig::bit(sig::SETXID));
    // SAFETY: the caller's attributes; `hatch` takes the record, which is never freed.
    let status = unsafe { real::pthread_create(&mut handle, attr, hatch, (t as *const Thread).cast_mut().cast()) };
    sig::set_mask(mask);
    if status != 0 {
        if let Some(at) = slab {
            // SAFETY: just taken, for a thread that was not made.
            unsafe { slab::give(at) };
        }
        t.retire();
        return Err(status);
    }
    let tp = handle as usize;
    // The handle may be asked about before the thread has hatched, which writes the same word.
    super::plant(tp, t);
    let (limit, source) = match (shape.user, slab) {
        (Some(at), _) => (at, Source::Program),
        (_, Some(at)) => (at, Source::Slab),
        _ => (tcb::block_end(tp) - shape.size, Source::Libc),
    };
    t.pair.set(Pair { tp, limit, size: shape.size, guard: shape.guard, source });
    Ok(t)
}

/// The stack of a pair that is wanted for its TCB.
const SMALL: Shape = Shape { size: 256 * 1024, guard: 4096, user: None };

/// Makes a pair that no thread of ours is to run on, and waits until it has hatched.
pub fn make_empty() -> Option<&'static Thread> {
    make_hatched(SMALL)
}

/// Makes a pair of a shape that has no other attributes, and waits until it has hatched.
pub(super) fn make_hatched(shape: Shape) -> Option<&'static Thread> {
    // SAFETY: an attribute object of our own, initialised before use.
    let t = unsafe {
        let mut attr: libc::pthread_attr_t = core::mem::zeroed();
        real::pthread_attr_init(&mut attr);
        real::pthread_attr_setstacksize(&mut attr, shape.size);
        // Where there is no reservation libc makes the guard.
        libc::pthread_attr_setguardsize(&mut attr, shape.guard);
        let made = make(&mut attr, shape).ok();
        real::pthread_attr_destroy(&mut attr);
        made?
    };
    t.await_hatched();
    Some(t)
}

/// The start routine of every hijacked pthread. All signals but a setuid's are blocked.
unsafe extern "C-unwind" fn hatch(arg: *mut c_void) -> *mut c_void {
    // SAFETY: `make` passes a leaked record, which this kernel thread alone uses until it is published.
    let t = unsafe { &*arg.cast::<Thread>() };
    let tp = arch::thread_pointer();
    tls::set_current(t);
    tls::set_depth(1);
    if let Some(word) = tcb::tid(tp) {
        word.store(t.tid(), Ordering::Relaxed);
    }
    sig::set_mask(sig::ALL);
    signal::setxid::settle(tp);
    forget_kernel_thread(tp);
    // Below the frame that publishes, with some slack: what is under it is the coroutine's.
    t.stack_base.set((arch::stack_pointer() - 256) & !15);
    // SAFETY: signals are blocked and the kernel has forgotten the TCB.
    unsafe { arch::hatch_exit(t.hatched.as_ptr()) }
}

/// Takes the TCB at `tp`, the calling kernel thread's own, away from the kernel.
fn forget_kernel_thread(tp: usize) {
    // SAFETY: the three registrations are withdrawn with the values glibc registered; failure (an older
    // kernel, rseq never registered) leaves nothing registered.
    unsafe {
        let _ = syscall!(libc::SYS_set_tid_address, 0usize);
        let _ = syscall!(libc::SYS_set_robust_list, 0usize, 24usize);
        unregister_rseq(tp);
    }
}

/// Withdraws glibc's rseq registration of the TCB at `tp`.
pub fn unregister_rseq(tp: usize) {
    let offset = real::address!(c"__rseq_offset").cast::<isize>();
    // SAFETY: a non-null symbol of this name is glibc's offset of the area from the thread pointer; the
    // kernel checks address, length and signature.
    unsafe {
        if let Some(offset) = offset.as_ref() {
            let _ = syscall!(libc::SYS_rseq, tp as isize + offset, RSEQ_LEN, RSEQ_UNREGISTER, RSEQ_SIGNATURE);
        }
    }
}
