//! The frame that the kernel lays for a handler, moved to where the thread's own would be.
//!
//! Faults arrive on the worker's alternate stack, because a thread may have used up its own. The worker has one for all the
//! threads that it runs: a handler of the program's, which may wait there while they go on, must not stay on it. So
//! the whole frame is copied to the thread's alternate stack, or below what was interrupted, as the handler's flags
//! say, and the handler is entered and left there: the kernel takes back a frame wherever it lies.
//!
//! ```text
//!     registers of the FPU and its kin     at a multiple of 64; `uc_mcontext.fpregs` points here
//!     siginfo                              the handler's second argument
//!     ucontext                             its third
//!     address of the restorer              where the handler returns to, and the stack pointer as it begins
//! ```
//!
//! Rejected: to give the kernel each thread's own alternate stack at a switch. Runtimes that set one in every thread (Rust's)
//! would pay a system call for each.

use super::{action, altstack};
use crate::arch::{self, Handler};
use crate::sys::{self, mem, sig};
use crate::thread;
use core::ffi::{c_int, c_void};

const CONTEXT: usize = 8;
/// The kernel's ucontext, which is shorter than libc's.
const INFO: usize = CONTEXT + 304;
const END: usize = INFO + size_of::<libc::siginfo_t>();
const ALIGN: usize = 64;
/// What a function may use below its stack pointer.
const RED_ZONE: usize = 128;

/// What a thread that yields in its frame needs below that: the way to the worker's loop, and a handler that comes then.
const ROOM: usize = 12 * 1024;
const PAGE: usize = 4096;

/// The part of it that is always there, and where the kernel notes how long all of it is.
const FPU: usize = 512;
const FPU_MAGIC: usize = 464;
const FPU_SIZE: usize = 468;
const MAGIC: u32 = 0x4650_5853;
const LARGEST_FPU: usize = 64 * 1024;

struct Frame {
    at: usize,
    end: usize,
}

impl Frame {
    /// `None` where it is not laid out as above.
    ///
    /// # Safety
    /// The arguments are what the kernel passed to a handler.
    unsafe fn of(info: *const libc::siginfo_t, context: *const libc::ucontext_t) -> Option<Frame> {
        let at = context as usize - CONTEXT;
        if info as usize != at + INFO {
            return None;
        }
        // SAFETY: the kernel's context, and what it points to.
        unsafe {
            let registers = (*context).uc_mcontext.fpregs as usize;
            if registers == 0 {
                return Some(Frame { at, end: at + END });
            }
            let word = |offset: usize| ((registers + offset) as *const u32).read();
            let size = if word(FPU_MAGIC) == MAGIC { word(FPU_SIZE) as usize } else { FPU };
            (registers >= at + END && size <= LARGEST_FPU).then_some(Frame { at, end: registers + size })
        }
    }

    /// Where it goes if it is to end below `limit`.
    fn below(&self, limit: usize) -> usize {
        let at = limit - (self.end - self.at);
        at - at.wrapping_sub(self.at) % ALIGN
    }

    /// # Safety
    /// The frame is live, and there is room for it at `at`, or a guard that ends the process.
    unsafe fn copy_to(&self, at: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            (at as *mut u8).copy_from_nonoverlapping(self.at as *const u8, self.end - self.at);
            let registers = &raw mut (*((at + CONTEXT) as *mut libc::ucontext_t)).uc_mcontext.fpregs;
            if !(*registers).is_null() {
                *registers = registers.read().byte_offset(at.wrapping_sub(self.at) as isize);
            }
        }
    }
}

/// If the handler of the signal runs for a thread of ours on the worker's alternate stack, it begins anew at `f` where it
/// belongs, and this does not return.
///
/// # Safety
/// Called by the handler, with what the kernel passed it; no frame since then has a destructor.
pub unsafe fn leave_workers_stack(signo: c_int, info: *mut libc::siginfo_t, context: *mut c_void, f: Handler) {
    let context: *mut libc::ucontext_t = context.cast();
    let (Some(t), Some(handler)) = (thread::current(), action::handler_of(signo)) else { return };
    // SAFETY: the kernel's structures; a thread's stacks are its own, and below its stack pointer nothing is in use.
    unsafe {
        let workers = altstack::of_context(context);
        let sp = altstack::interrupted_at(context);
        if !workers.has(context as usize) || workers.has(sp) {
            return;
        }
        let Some(frame) = Frame::of(info, context) else { return };
        let own = t.signals.alt.get();
        let enters = handler.flags & libc::SA_ONSTACK != 0 && !own.is_none() && !own.has(sp);
        let at = frame.below(if enters { own.end() } else { sp - RED_ZONE });
        if (enters || own.has(sp)) && !own.has(at) {
            end_without_room();
        }
        frame.copy_to(at);
        arch::begin_handler(at, f, signo, (at + INFO) as *mut _, (at + CONTEXT) as *mut _)
    }
}

/// If the handler of the signal runs on the worker's alternate stack, it begins anew at `f` below what it interrupted, and this
/// does not return; but only where the stack goes on for another [`ROOM`] bytes, down to `limit` at most. (A runtime may have
/// guards of its own above that.)
///
/// # Safety
/// Called by the handler, with what the kernel passed it; no frame since then has a destructor.
pub unsafe fn move_below(signo: c_int, info: *mut libc::siginfo_t, context: *mut c_void, limit: usize, f: Handler) {
    let context: *mut libc::ucontext_t = context.cast();
    // SAFETY: the kernel's structures; below the thread's stack pointer nothing is in use.
    unsafe {
        let workers = altstack::of_context(context);
        let sp = altstack::interrupted_at(context);
        if !workers.has(context as usize) || workers.has(sp) {
            return;
        }
        let Some(frame) = Frame::of(info, context) else { return };
        let at = frame.below(sp - RED_ZONE);
        let end = at.saturating_sub(ROOM);
        if end >= limit && (end..sp - RED_ZONE).step_by(PAGE).all(|page| mem::is_writable(page)) {
            frame.copy_to(at);
            arch::begin_handler(at, f, signo, (at + INFO) as *mut _, (at + CONTEXT) as *mut _)
        }
    }
}

/// An alternate stack has no room for a frame: the kernel ends the process.
fn end_without_room() -> ! {
    let _ = sig::reset_default(libc::SIGSEGV);
    let _ = sig::tgkill(sys::gettid(), libc::SIGSEGV);
    sig::let_through(sig::bit(libc::SIGSEGV));
    sys::fatal(format_args!("no room for a signal frame"))
}
