//! Preemption: a thread that computes while others wait for its permit is made to yield.
//!
//! The monitor sends the worker's kernel thread a signal of glibc's own, which no program can block or wait for (setxid's,
//! with a mark), and its handler, in program code, does what a hook would: it suspends the thread, which goes to the end
//! of the queue of those that compute. All of it is on the thread's own stack by then: the signal arrives on the worker's
//! alternate stack, because only a handler can tell whether there is room for its frame, and the frame is moved (`frame`).
//!
//! A thread goes on
//!
//! - inside the runtime, and in a hook: it yields when it next leaves the runtime, or has given a lock away
//!   (`signal::then_look`; not when it has taken one, for which others would wait as long as it does);
//! - in libc and in the loader, which have locks that no hook knows: other threads would block their workers there. It is asked
//!   again and again, and found outside sooner or later (a loop of `fprintf` after 20 ms on average);
//! - in a signal handler, on a stack of its own making, or without room for the frame;
//! - if it takes turns with others (`sched::strand`), which is a promise not to be interrupted.
//!
//! Where none of that ends soon the monitor takes the permit away instead (rescue).
//!
//! Rejected: kernel threads alone, one for each thread that computes. Sixteen spinning threads beside a main thread that sleeps for
//! a second, on two CPUs: 1.00 s with this, as in a process without the library, and 5 to 23 s until the last of them had
//! had its rescue, while each that had got its own slowed the next one's down.

use super::{altstack, frame, mask_after};
use crate::arch::{self, tls};
use crate::atomic::{AtomicUsize, Ordering};
use crate::config;
use crate::real;
use crate::report;
use crate::sched::{self, Worker};
use crate::sys::lock::Lock;
use crate::sys::{self, sig, vm};
use crate::thread::{self, Thread};
use core::ffi::{c_int, c_void};
use core::ops::Range;

/// Marks the signal that means "yield".
const MARK: c_int = 0x7072;

/// No more of the process's first stack is taken for its own, whatever its limit.
const LARGEST: usize = 8 << 20;

/// The code that must not be interrupted: ours (before and after a handler of the program's it must not leave its worker), libc's,
/// the loader's. From, to.
static CODE: [[AtomicUsize; 2]; 3] = [const { [const { AtomicUsize::new(0) }; 2] }; 3];

/// The process's first stack.
static INITIAL: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

/// Learns where what must not be interrupted is. Called when there is one thread, once: in the child of a fork, which knows it from its
/// parent, the loader's lock may be held by a thread that is not there.
pub fn start() {
    if CODE[0][1].load(Ordering::Relaxed) != 0 {
        return;
    }
    let own = (start as *const ()).cast();
    let inside = [own, real::address!(c"__libc_start_main"), real::address!(c"__tls_get_addr")];
    for (at, code) in inside.into_iter().zip(&CODE) {
        let range = object_around(at.addr());
        code[0].store(range.start, Ordering::Relaxed);
        code[1].store(range.end, Ordering::Relaxed);
    }
    let end = real::address!(c"__libc_stack_end").cast::<usize>();
    // SAFETY: a non-null symbol of this name is the loader's word.
    let end = unsafe { end.as_ref() }.map_or(0, |end| *end);
    INITIAL[0].store(end.saturating_sub(vm::stack_limit(LARGEST)), Ordering::Relaxed);
    INITIAL[1].store(end, Ordering::Relaxed);
}

/// How many threads are about to run another program. Held while one is asked.
static HELD_OFF: Lock<u32> = Lock::new(0);

/// The calling thread is about to run another program, which would end by the signal: nobody is asked until [`go_on`].
pub fn hold_off() {
    *HELD_OFF.lock() += 1;
    // One that has come already is handled at the end of any system call.
    // SAFETY: takes nothing.
    let _ = unsafe { crate::syscall!(libc::SYS_getpid) };
}

/// It does not.
pub fn go_on() {
    *HELD_OFF.lock() -= 1;
}

/// Forgets who was about to in the parent.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork() {
    // SAFETY: the caller's promise.
    unsafe { HELD_OFF.reset(0) };
}

/// Asks the thread that has been running on `w` since `tick` to yield. Whether there is a point in waiting for that.
pub fn ask(w: &Worker, tick: u32) -> bool {
    // SAFETY: records are never freed.
    if config::get().force.no_preempt || unsafe { w.running().as_ref() }.is_none_or(Thread::takes_turns) {
        return false;
    }
    w.ask_to_yield(tick);
    // SAFETY: all zeros is a siginfo.
    let mut info: libc::siginfo_t = unsafe { core::mem::zeroed() };
    info.si_signo = sig::SETXID;
    info.si_errno = MARK;
    info.si_code = libc::SI_QUEUE;
    let held_off = HELD_OFF.lock();
    if *held_off != 0 {
        return false;
    }
    // SAFETY: the kernel copies the siginfo, whose code it accepts within a process.
    unsafe {
        crate::syscall!(libc::SYS_rt_tgsigqueueinfo, sys::getpid(), w.tid(), sig::SETXID, &raw const info).is_ok()
    }
}

/// Whether the signal is one of ours.
pub fn is_asked(info: &libc::siginfo_t) -> bool {
    info.si_errno == MARK && info.si_code == libc::SI_QUEUE
}

/// The calling thread, whose signals are all blocked, was asked. Does not return if it does as it is asked.
///
/// # Safety
/// Called by the handler, with what the kernel passed it; no frame since then has a destructor.
pub unsafe fn interrupted(signo: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let Some(t) = thread::current() else { return };
    // SAFETY: workers are never freed; the kernel's structures.
    unsafe {
        if !is_to_yield(t) {
            return;
        }
        let stack = stack_of(t);
        if tls::depth() == 0
            && is_programs(arch::interrupted_in(context))
            && stack.contains(&altstack::interrupted_at(context.cast()))
        {
            frame::move_below(signo, info, context, stack.start, yields);
        }
    }
    // Not here. When it next leaves the runtime, if that is sooner than it can be interrupted.
    tls::set_deferred(true);
}

fn is_to_yield(t: &Thread) -> bool {
    let may = !t.is_bound() && !t.takes_turns() && t.handler_at.get() == 0;
    // SAFETY: workers are never freed.
    may && unsafe { (*t.worker.get()).is_asked_to_yield() }
}

/// The calling thread leaves the runtime: it yields there if it was asked to. Called one level inside.
pub fn obey(t: &Thread) {
    if is_to_yield(t) {
        report::count(report::Event::Preempt);
        sched::preempted(t);
    }
}

/// The handler, on the stack of the thread that yields, and where that goes on later.
///
/// # Safety
/// As [`interrupted`]; the frame lies where the kernel would have laid it.
unsafe extern "C-unwind" fn yields(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    let Some(t) = thread::current() else { return };
    tls::enter();
    // SAFETY: the kernel's context. Its mask is the thread's, which jumps may have changed without a hook.
    t.mask.set(unsafe { mask_after(context) });
    sig::set_mask(t.mask.get());
    report::count(report::Event::Preempt);
    sched::preempted(t);
    tls::leave();
    // Not asked again before the kernel has taken the frame back: its alternate stack is this worker's.
    sig::set_mask(sig::ALL);
    // SAFETY: the kernel's context; the thread stays on its worker.
    unsafe {
        let mask = &raw mut (*context.cast::<libc::ucontext_t>()).uc_sigmask;
        mask.cast::<sig::Mask>().write(t.mask.get());
        altstack::hide(t, context.cast());
    }
}

fn is_programs(at: usize) -> bool {
    CODE.iter().all(|code| !(code[0].load(Ordering::Relaxed)..code[1].load(Ordering::Relaxed)).contains(&at))
}

/// Where the thread's stack pointer is, but for what the program made itself.
fn stack_of(t: &Thread) -> Range<usize> {
    let pair = t.pair.get();
    if pair.size != 0 {
        return pair.limit..pair.limit + pair.size;
    }
    INITIAL[0].load(Ordering::Relaxed)..INITIAL[1].load(Ordering::Relaxed)
}

/// From the first to the last byte of the object that has `at`; empty for none.
fn object_around(at: usize) -> Range<usize> {
    let mut search = Search { at, found: 0..0 };
    // SAFETY: the callback takes what it is given here.
    unsafe { libc::dl_iterate_phdr(Some(one_object), (&raw mut search).cast()) };
    search.found
}

struct Search {
    at: usize,
    found: Range<usize>,
}

unsafe extern "C" fn one_object(info: *mut libc::dl_phdr_info, _: usize, search: *mut c_void) -> c_int {
    // SAFETY: `object_around` passes its own, and the loader a live description.
    let (search, info, headers) = unsafe {
        let headers = core::slice::from_raw_parts((*info).dlpi_phdr, (*info).dlpi_phnum.into());
        (&mut *search.cast::<Search>(), &*info, headers)
    };
    let loaded = headers.iter().filter(|h| h.p_type == libc::PT_LOAD);
    let segment = |h: &libc::Elf64_Phdr| {
        let begin = (info.dlpi_addr + h.p_vaddr) as usize;
        begin..begin + h.p_memsz as usize
    };
    let has_it = loaded.clone().any(|h| segment(h).contains(&search.at));
    if has_it {
        search.found.start = loaded.clone().map(|h| segment(h).start).min().unwrap_or(0);
        search.found.end = loaded.map(|h| segment(h).end).max().unwrap_or(0);
    }
    c_int::from(has_it)
}
