//! Recycling: a finished thread's pair starts the next thread in well under a microsecond.
//!
//! Pairs of one shape wait in a stack (last in, first out: the warmest first). What a new thread must find
//! reset is reset when it starts, on its own TCB (see `exit::thread_main`). A pair over the program's own
//! stack, and pairs beyond the pool's size, go back to glibc through the real `pthread_join`, which frees a
//! descriptor whose tid is zero.

use super::hijack::Shape;
use super::stack::Source;
use super::{Thread, slab, tcb};
use crate::atomic::Ordering;
use crate::real;
use crate::sys::lock::Lock;
use crate::sys::sig;
use std::collections::VecDeque;

const MOST: usize = 4096;

struct Pool {
    pairs: Vec<&'static Thread>,
}

static POOL: Lock<Pool> = Lock::new(Pool { pairs: Vec::new() });

/// Bound threads that have ended, of whom the kernel may still look into the descriptor, for the robust list. The first one has
/// been here longest.
static LEAVING: Lock<VecDeque<&'static Thread>> = Lock::new(VecDeque::new());

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
    t.set_free();
    // SAFETY: records are never freed.
    let t: &'static Thread = unsafe { &*(t as *const Thread) };
    if t.pair.get().size == 0 {
        // Main's is not ours.
        return;
    }
    if t.is_bound() {
        give_bound(t);
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

/// A bound thread's descriptor is the kernel's until its kernel thread has gone: at once if a join has waited for that, which it
/// does because a stack may be the program's own. Else it is looked after when others end.
fn give_bound(t: &'static Thread) {
    const LOOK: usize = 2;
    let has_gone = |t: &Thread| sig::tgkill(t.tid(), 0).is_err();
    if has_gone(t) {
        dispose(t);
    } else {
        LEAVING.lock().push_back(t);
    }
    for _ in 0..LOOK {
        let first = LEAVING.lock().pop_front();
        match first {
            Some(first) if has_gone(first) => dispose(first),
            Some(first) => LEAVING.lock().push_back(first),
            None => return,
        }
    }
}

/// Gives every pair back that waits for its next thread: memory has run out, and theirs is not of the shape that is wanted. Whether
/// there were any.
pub fn give_all() -> bool {
    let mut any = false;
    loop {
        let next = POOL.lock().pairs.pop();
        let Some(t) = next else { return any };
        dispose(t);
        any = true;
    }
}

/// Gives the pair back to glibc, or its stack to the slab. A stale handle finds no record there, as after libc's own join.
pub(super) fn dispose(t: &Thread) {
    let tp = t.tp();
    if let Some(word) = tcb::tid(tp) {
        word.store(0, Ordering::Release);
        super::unplant(tp);
        let pair = t.pair.get();
        // SAFETY: a joinable pthread whose kernel thread is gone, which nobody else will join. Then nobody knows its stack.
        unsafe {
            real::pthread_join(tp as libc::pthread_t, core::ptr::null_mut());
            if pair.source == Source::Slab {
                slab::give(pair.limit);
            }
        }
        t.retire();
    }
}

/// Forgets the parent's pairs: glibc has taken their stacks back.
///
/// # Safety
/// The caller is the only thread of a forked child.
pub unsafe fn after_fork() {
    // SAFETY: no other thread exists.
    unsafe {
        POOL.reset(Pool { pairs: Vec::new() });
        LEAVING.reset(VecDeque::new());
    }
}
