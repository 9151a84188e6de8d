//! Recycling: a finished thread's pair starts the next thread in well under a microsecond.
//!
//! Pairs of one shape wait in a stack (last in, first out: the warmest first). What a new thread must find
//! reset is reset when it starts, on its own TCB (see `exit::thread_main`). A pair over the program's own
//! stack, and pairs beyond the pool's size, go back to glibc through the real `pthread_join`, which frees a
//! descriptor whose tid is zero.

use super::hijack::Shape;
use super::stack::Source;
use super::{FREE, Thread, slab, tcb};
use crate::atomic::Ordering;
use crate::real;
use crate::sys::lock::Lock;

const MOST: usize = 4096;

struct Pool {
    pairs: Vec<&'static Thread>,
}

static POOL: Lock<Pool> = Lock::new(Pool { pairs: Vec::new() });

/// A pair of this shape that no thread uses, if the pool has one near its top.
pub fn take(shape: Shape) -> Option<&'static Thread> {
    const LOOK: usize = 16;
    let mut pool = POOL.lock();
    let n = pool.pairs.len();
    let at = (n.saturating_sub(LOOK)..n).rev().find(|&i| {
        let pair = pool.pairs[i].pair.get();
        pair.size == shape.size && pair.guard == shape.guard
    })?;
    Some(pool.pairs.swap_remove(at))
}

/// The thread has ended and nobody will join it: its pair is free.
pub fn give(t: &Thread) {
    t.life.store(FREE, Ordering::Release);
    // SAFETY: records are never freed.
    let t: &'static Thread = unsafe { &*(t as *const Thread) };
    if t.pair.get().size == 0 || t.is_bound() {
        // Main's is not ours; a bound thread's descriptor is the kernel's until its kernel thread has gone.
        return;
    }
    if t.is_recyclable() {
        let mut pool = POOL.lock();
        if pool.pairs.len() < MOST {
            pool.pairs.push(t);
            return;
        }
    }
    dispose(t);
}

/// Gives the pair back to glibc, or its stack to the slab. The record's memory is kept, for whoever has found it by a stale handle.
pub(super) fn dispose(t: &Thread) {
    let tp = t.tp();
    if let Some(word) = tcb::tid(tp) {
        word.store(0, Ordering::Release);
        let pair = t.pair.get();
        // SAFETY: a joinable pthread whose kernel thread is gone, which nobody else will join. Then nobody knows its stack.
        unsafe {
            real::pthread_join(tp as libc::pthread_t, core::ptr::null_mut());
            if pair.source == Source::Slab {
                slab::give(pair.limit);
            }
        }
    }
}

/// Forgets the parent's pairs: glibc has taken their stacks back.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork() {
    // SAFETY: no other thread exists.
    unsafe { POOL.reset(Pool { pairs: Vec::new() }) };
}
