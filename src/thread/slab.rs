//! Stacks in large reservations.
//!
//! glibc gives each stack two mappings, because its guard has another protection. A process may have 65,530, and the kernel
//! keeps about 0.4 KB for each. Here one mapping holds many stacks of one shape, each guard a marker in the page table
//! (MADV_GUARD_INSTALL, Linux 6.13) that touches memory of the page table only where the neighbour's top does already:
//!
//! ```text
//!   | guard | stack 0            <- TCB | guard | stack 1            <- TCB | guard | …
//!   base                                base + stride
//! ```
//!
//! glibc is told that such a stack is the program's own. It then builds the TCB at its top, as in any, and neither
//! caches nor unmaps it.
//!
//! [`take`] says `None` where glibc is to make the stack: the kernel has no such marker; the address space or what may be
//! committed is limited (a reservation takes more than its stacks yet need); memory is locked as it is mapped; the
//! program's stacks are executable, which glibc sees to in its own stacks only; there are many shapes already.
//!
//! A guard refuses an access with SEGV_MAPERR, where glibc's says SEGV_ACCERR; `signal` puts that right for handlers.
//! In a forked child glibc takes back the stacks of its own making: for these [`after_fork`] does it.
//!
//! A stack that was given back stays mapped, because a stale handle may still be looked at.

use super::tls_image;
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::config;
use crate::real;
use crate::sched;
use crate::sys::lock::Lock;
use crate::sys::{maps, vm};

const PAGE: usize = 4096;
/// A larger guard, or stack, has a mapping of its own.
const LARGEST_GUARD: usize = 64 * 1024;
const LARGEST_STACK: usize = 64 << 20;
/// How many stacks a reservation holds: the first few, then twice as many as the last of its shape.
const FIRST: usize = 8;
const MOST: usize = 1024;
/// A program with more shapes than that makes few stacks of each.
pub(super) const SHAPES: usize = 16;

struct Reservation {
    base: usize,
    size: usize,
    guard: usize,
    count: usize,
    /// The first of its shape.
    is_first: bool,
    /// How many have been given out at least once; the guards of the others are not installed.
    begun: usize,
    /// Given back, or a forked child's to use again. They hold what was written last.
    free: Vec<usize>,
}

impl Reservation {
    fn stride(&self) -> usize {
        (self.guard + self.size).next_multiple_of(PAGE)
    }

    fn has(&self, size: usize, guard: usize) -> bool {
        self.size == size && self.guard == guard
    }

    /// The lowest address of stack `n`, above its guard.
    fn stack(&self, n: usize) -> usize {
        self.base + n * self.stride() + self.guard
    }

    /// Which stack, or its guard, `address` lies in.
    fn index_of(&self, address: usize) -> Option<usize> {
        let offset = address.checked_sub(self.base)?;
        let n = offset / self.stride();
        (n < self.count).then_some(n)
    }

    /// None of its stacks is a thread's: the page tables, which the guards keep, go as well.
    fn begin_anew(&mut self) {
        // SAFETY: the reservation's own memory, of which nothing is needed.
        if unsafe { vm::map_stacks_again(self.base, self.count * self.stride()) } {
            self.begun = 0;
            self.free.clear();
        }
    }

    fn take(&mut self) -> Option<usize> {
        if let Some(n) = self.free.pop() {
            let at = self.stack(n);
            // SAFETY: no thread's stack.
            unsafe { vm::forget_contents(at, self.size) };
            return Some(at);
        }
        // SAFETY: of the reservation, and not given out yet.
        let begins =
            self.begun < self.count && unsafe { vm::install_guard(self.stack(self.begun) - self.guard, self.guard) };
        if !begins {
            return None;
        }
        self.begun += 1;
        Some(self.stack(self.begun - 1))
    }
}

static RESERVATIONS: Lock<Vec<Reservation>> = Lock::new(Vec::new());

static USABLE: AtomicU32 = AtomicU32::new(UNKNOWN);
const UNKNOWN: u32 = 0;
const YES: u32 = 1;
const NO: u32 = 2;

/// The lowest address of a stack of `size` bytes, zeroed, above a guard. `None`: glibc is to make one.
pub fn take(size: usize, guard: usize) -> Option<usize> {
    let fits = (1..=LARGEST_GUARD).contains(&guard) && (libc::PTHREAD_STACK_MIN..=LARGEST_STACK).contains(&size);
    if !fits || !is_usable() {
        return None;
    }
    if has_become_executable() {
        USABLE.store(NO, Ordering::Relaxed);
        return None;
    }
    let mut reservations = RESERVATIONS.lock();
    let mut last = 0;
    for r in reservations.iter_mut().rev().filter(|r| r.has(size, guard)) {
        if let Some(at) = r.take() {
            return Some(at);
        }
        last = last.max(r.count);
    }
    if last == 0 && reservations.iter().filter(|r| r.is_first).count() == SHAPES {
        return None;
    }
    let mut r = reserve(size, guard, (last * 2).clamp(FIRST, MOST))?;
    r.is_first = last == 0;
    match r.take() {
        Some(at) => {
            reservations.push(r);
            Some(at)
        }
        None => {
            // SAFETY: just mapped, and nothing given out.
            unsafe { vm::unmap(r.base, r.count * r.stride()) };
            None
        }
    }
}

/// The stack at `at` is no thread's any more, and its memory not needed.
///
/// # Safety
/// [`take`] gave it, and nobody uses it.
pub unsafe fn give(at: usize) {
    let mut reservations = RESERVATIONS.lock();
    if let Some((r, n)) = reservations.iter_mut().find_map(|r| r.index_of(at).map(|n| (r, n))) {
        // SAFETY: the caller's word: it is no thread's.
        unsafe { vm::forget_contents(r.stack(n), r.size) };
        r.free.push(n);
        if r.free.len() == r.begun {
            r.begin_anew();
        }
    }
}

fn reserve(size: usize, guard: usize, count: usize) -> Option<Reservation> {
    if vm::is_address_space_limited() || !has_guards() {
        return None;
    }
    let r = Reservation { base: 0, size, guard, count, is_first: false, begun: 0, free: Vec::new() };
    let base = vm::map_stacks(count * r.stride())?;
    Some(Reservation { base, ..r })
}

fn is_usable() -> bool {
    match USABLE.load(Ordering::Relaxed) {
        UNKNOWN => {
            let refused = config::get().force.no_slabs || vm::is_overcommit_strict();
            let usable = !refused && main_stack() != 0 && has_guards();
            USABLE.store(if usable { YES } else { NO }, Ordering::Relaxed);
            usable
        }
        known => known == YES,
    }
}

/// Whether libc makes stacks executable by now. It may when it has loaded something, so the kernel, which takes 5 µs, is asked
/// only then. A forked child always asks: the loader's lock may be a thread's that is not there.
fn has_become_executable() -> bool {
    static SEEN: AtomicU64 = AtomicU64::new(0);
    let loads = if super::is_forked() { u64::MAX } else { tls_image::loads() };
    if SEEN.load(Ordering::Relaxed) == loads && loads != u64::MAX {
        return false;
    }
    let is_so = sched::scout::send(|| maps::is_executable(main_stack()));
    if !is_so {
        SEEN.store(loads, Ordering::Relaxed);
    }
    is_so
}

/// An address in the process's first stack, which libc makes executable when it does that to threads' stacks: at start, or
/// when a library is loaded that wants it. 0 where libc does not tell.
fn main_stack() -> usize {
    let end = real::address!(c"__libc_stack_end").cast::<usize>();
    // SAFETY: a non-null symbol of this name is the dynamic linker's word.
    unsafe { end.as_ref().copied() }.unwrap_or(0)
}

/// Whether the kernel has guard markers, for memory as it is mapped now (locked memory has none).
fn has_guards() -> bool {
    let Some(at) = vm::map_stacks(PAGE) else { return false };
    // SAFETY: a page of our own, just mapped.
    unsafe {
        let has = vm::install_guard(at, PAGE);
        vm::unmap(at, PAGE);
        has
    }
}

pub fn fork_prepare() {
    RESERVATIONS.hold();
}

pub fn fork_done() {
    RESERVATIONS.let_go();
}

/// The child's thread keeps its stack, in which `tp` lies; those of its parent's other threads are free. What is in them
/// stays until then, as in glibc's cache: the child may use what another thread lent it.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork(tp: usize) {
    for r in RESERVATIONS.lock().iter_mut() {
        let kept = r.index_of(tp);
        r.free = (0..r.begun).filter(|&n| Some(n) != kept).collect();
    }
}

/// In a child where glibc has taken nothing back: what it still lists is not used again.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn forget() {
    // SAFETY: the caller's promise.
    unsafe { RESERVATIONS.reset(Vec::new()) };
}
