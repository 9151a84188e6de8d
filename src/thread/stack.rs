//! A pair's stack: its range, the coroutine's view of it, and the message when it overflows.

use core::num::NonZeroUsize;
use corosensei::stack::{Stack, StackPointer};

/// A TCB and its stack, as the hatching thread found them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// Thread pointer; the descriptor's address and the `pthread_t`.
    pub tp: usize,
    /// The lowest usable address.
    pub limit: usize,
    /// As the attributes asked: bytes of stack and of guard below it.
    pub size: usize,
    pub guard: usize,
    pub source: Source,
}

/// Whose the stack's memory is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    #[default]
    Libc,
    /// The program's own: never recycled.
    Program,
    /// Of a reservation of ours.
    Slab,
}

/// corosensei's view of the rest of a pair's stack.
pub struct PairStack {
    base: StackPointer,
    limit: StackPointer,
}

impl PairStack {
    /// Panics never: a hatched pair has a non-zero range.
    pub fn of(base: usize, limit: usize) -> PairStack {
        let pointer = |at: usize| NonZeroUsize::new(at).unwrap_or(NonZeroUsize::MIN);
        PairStack { base: pointer(base & !15), limit: pointer((limit + 15) & !15) }
    }
}

// SAFETY: base and limit are 16-byte aligned and span memory that glibc mapped as this pair's stack, which
// stays mapped while the pair exists.
unsafe impl Stack for PairStack {
    fn base(&self) -> StackPointer {
        self.base
    }

    fn limit(&self) -> StackPointer {
        self.limit
    }
}

/// Whether a fault at `address`, with the stack pointer at `sp`, is this pair's stack running over.
pub fn is_overflow(pair: &Pair, address: usize, sp: usize) -> bool {
    const REACH: usize = 64 * 1024;
    let guard_end = pair.limit + 4096;
    pair.limit != 0
        && address < guard_end
        && address + pair.guard.max(REACH) >= pair.limit
        && sp < pair.limit + REACH
        && sp + REACH >= pair.limit.saturating_sub(pair.guard)
}

/// Whether `address` lies in this pair's guard, where that is a marker in a page table.
pub fn is_in_slab_guard(pair: &Pair, address: usize) -> bool {
    pair.source == Source::Slab && (pair.limit - pair.guard..pair.limit).contains(&address)
}
