//! Signals that wait: for one thread, or for whichever will accept them.
//!
//! An inbox is what the kernel's queue of pending signals is: of a standard signal it holds one, the first; of a
//! real-time signal every one, in order; lower numbers are taken first. Adding happens in signal handlers, which may have
//! interrupted anything: it takes no lock and allocates with one raw system call at most. Taking happens inside the runtime,
//! where handlers only add.
//!
//! Without memory a signal is dropped, as a full queue in the kernel drops it.

use super::arrivals::{Arrivals, Linked};
use crate::atomic::{AtomicPtr, AtomicU64, Ordering};
use crate::sys::alloc;
use crate::sys::lock::Lock;
use crate::sys::sig;
use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::ptr::null_mut;

/// The first real-time signal; those below are standard.
const FIRST_REALTIME: c_int = 32;

/// A signal that waits.
pub struct Note {
    info: libc::siginfo_t,
    /// It was sent to the process: should this thread not take it after all, another may.
    shared: bool,
    next: *mut Note,
}

/// Notes come in chunks, which appear as they are needed and never go away. A set bit is a note in use.
struct Chunk {
    used: AtomicU64,
    next: AtomicPtr<Chunk>,
    notes: [core::cell::UnsafeCell<MaybeUninit<Note>>; NOTES],
}

const NOTES: usize = 64;

// SAFETY: a note is its taker's alone from `take_note` to `give_note`.
unsafe impl Sync for Chunk {}

static FIRST: Chunk = Chunk {
    used: AtomicU64::new(0),
    next: AtomicPtr::new(null_mut()),
    notes: [const { core::cell::UnsafeCell::new(MaybeUninit::uninit()) }; NOTES],
};

fn take_note() -> *mut Note {
    let mut chunk: &Chunk = &FIRST;
    loop {
        let free = !chunk.used.load(Ordering::Relaxed);
        if free != 0 {
            let bit = free & free.wrapping_neg();
            if chunk.used.fetch_or(bit, Ordering::Acquire) & bit == 0 {
                return chunk.notes[bit.trailing_zeros() as usize].get().cast();
            }
            continue;
        }
        let next = chunk.next.load(Ordering::Acquire);
        let next = if next.is_null() { append(chunk) } else { next };
        // SAFETY: chunks are never freed.
        match unsafe { next.as_ref() } {
            Some(next) => chunk = next,
            None => return null_mut(),
        }
    }
}

/// Maps another chunk behind the last. One that was mapped in vain, because another thread was faster, is given back.
#[cold]
fn append(last: &Chunk) -> *mut Chunk {
    // A zeroed chunk is an empty one.
    let fresh = alloc::map(size_of::<Chunk>()).cast::<Chunk>();
    if fresh.is_null() {
        return fresh;
    }
    match last.next.compare_exchange(null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => fresh,
        Err(others) => {
            // SAFETY: mapped above with this length, seen by nobody.
            let _ = unsafe { crate::syscall!(libc::SYS_munmap, fresh, size_of::<Chunk>()) };
            others
        }
    }
}

/// Every chunk there is.
fn chunks() -> impl Iterator<Item = &'static Chunk> {
    // SAFETY: chunks are never freed.
    core::iter::successors(Some(&FIRST), |chunk| unsafe { chunk.next.load(Ordering::Acquire).as_ref() })
}

/// # Safety
/// `note` came from [`take_note`] and is in no list.
unsafe fn give_note(note: *mut Note) {
    for chunk in chunks() {
        let behind = (note as usize).wrapping_sub(chunk.notes.as_ptr() as usize);
        if behind < size_of_val(&chunk.notes) {
            chunk.used.fetch_and(!(1 << (behind / size_of::<Note>())), Ordering::Release);
            return;
        }
    }
}

/// Every note is free again: they were the parent's.
///
/// # Safety
/// The caller is the only thread of a forked child, and resets every inbox that it goes on to use.
pub unsafe fn after_fork() {
    for chunk in chunks() {
        chunk.used.store(0, Ordering::Relaxed);
    }
}

/// Notes in the order in which they came.
struct List {
    head: *mut Note,
    tail: *mut Note,
}

// SAFETY: its notes are reached through it alone.
unsafe impl Send for List {}

impl List {
    const fn new() -> List {
        List { head: null_mut(), tail: null_mut() }
    }

    fn append(&mut self, note: *mut Note) {
        // SAFETY: the caller's note and the tail are live notes of this list's owner.
        unsafe {
            (*note).next = null_mut();
            if self.tail.is_null() { self.head = note } else { (*self.tail).next = note }
        }
        self.tail = note;
    }

    /// Appends what came, given the newest first.
    fn append_chain(&mut self, mut newest: *mut Note) {
        let mut oldest = null_mut::<Note>();
        while !newest.is_null() {
            // SAFETY: the notes of the chain are this list's now.
            unsafe { (oldest, newest) = (newest, core::mem::replace(&mut (*newest).next, oldest)) };
        }
        while !oldest.is_null() {
            // SAFETY: as above.
            let next = unsafe { (*oldest).next };
            self.append(oldest);
            oldest = next;
        }
    }

    /// Unlinks the first note of the lowest signal that `is_wanted`.
    fn take(&mut self, is_wanted: impl Fn(&Note) -> bool) -> *mut Note {
        let (mut best, mut before_best) = (null_mut::<Note>(), null_mut());
        let (mut at, mut before) = (self.head, null_mut());
        while !at.is_null() {
            // SAFETY: linked notes are live.
            unsafe {
                if is_wanted(&*at) && (best.is_null() || (*at).info.si_signo < (*best).info.si_signo) {
                    (best, before_best) = (at, before);
                }
                (before, at) = (at, (*at).next);
            }
        }
        if !best.is_null() {
            // SAFETY: as above.
            unsafe { if before_best.is_null() { self.head = (*best).next } else { (*before_best).next = (*best).next } }
            if self.tail == best {
                self.tail = before_best;
            }
        }
        best
    }

    /// The signals that have a note.
    fn signals(&self) -> sig::Mask {
        let (mut at, mut signals) = (self.head, 0);
        // SAFETY: linked notes are live.
        while let Some(note) = unsafe { at.as_ref() } {
            signals |= sig::bit(note.info.si_signo);
            at = note.next;
        }
        signals
    }
}

impl Linked for Note {
    unsafe fn set_next(this: *mut Note, next: *mut Note) {
        // SAFETY: the caller's promise.
        unsafe { (*this).next = next };
    }
}

// In C's order: what every park looks at comes first.
#[repr(C)]
pub struct Inbox {
    arrivals: Arrivals<Note>,
    sorted: Lock<List>,
}

impl Inbox {
    pub const fn new() -> Inbox {
        Inbox { arrivals: Arrivals::new(), sorted: Lock::new(List::new()) }
    }

    /// What waits here. A bit may be set for a moment for a signal that has just been taken.
    #[inline]
    pub fn pending(&self) -> sig::Mask {
        self.arrivals.pending()
    }

    /// Adds a signal; `shared`: it was sent to the process. Async-signal-safe.
    pub fn add(&self, info: &libc::siginfo_t, shared: bool) {
        let bit = sig::bit(info.si_signo);
        if info.si_signo < FIRST_REALTIME && !self.arrivals.claim(bit) {
            return;
        }
        let note = take_note();
        if note.is_null() {
            self.arrivals.unclaim(bit);
            return;
        }
        // SAFETY: the note is ours until it is pushed.
        unsafe {
            note.write(Note { info: *info, shared, next: null_mut() });
            self.arrivals.push(note, bit);
        }
    }

    /// Takes the first of the lowest signal of `set`, and whether it was sent to the process.
    pub fn take(&self, set: sig::Mask) -> Option<(libc::siginfo_t, bool)> {
        self.take_where(set, |_| true)
    }

    /// As [`Inbox::take`], of those that were sent to the process.
    pub fn take_shared(&self, set: sig::Mask) -> Option<libc::siginfo_t> {
        self.take_where(set, |note| note.shared).map(|(info, _)| info)
    }

    fn take_where(&self, set: sig::Mask, is_wanted: impl Fn(&Note) -> bool) -> Option<(libc::siginfo_t, bool)> {
        if self.pending() & set == 0 {
            return None;
        }
        let mut list = self.sorted.lock();
        list.append_chain(self.arrivals.take());
        let note = list.take(|note| sig::bit(note.info.si_signo) & set != 0 && is_wanted(note));
        if note.is_null() {
            // A bit without a note: that has been taken, or is on its way.
            self.settle(&mut list, set);
            return None;
        }
        // SAFETY: unlinked: ours alone.
        let (info, shared) = unsafe {
            let copy = ((*note).info, (*note).shared);
            give_note(note);
            copy
        };
        self.arrivals.unclaim(sig::bit(info.si_signo));
        self.settle(&mut list, sig::bit(info.si_signo));
        Some((info, shared))
    }

    fn settle(&self, list: &mut List, set: sig::Mask) {
        self.arrivals.settle(set, || {
            list.append_chain(self.arrivals.take());
            list.signals()
        });
    }

    /// Forgets everything: the thread that it waited for has gone.
    pub fn clear(&self) {
        while self.take(sig::ALL).is_some() {}
        // One whose sender was left by a jump.
        self.arrivals.unclaim(sig::ALL);
    }

    /// Forgets everything, without the lock, which a thread of the parent may have held.
    ///
    /// # Safety
    /// The caller is the only thread of a forked child, and has called [`after_fork`].
    pub unsafe fn reset(&self) {
        // SAFETY: the caller's promise.
        unsafe {
            self.sorted.reset(List::new());
            self.arrivals.reset();
        }
    }
}

impl Default for Inbox {
    fn default() -> Inbox {
        Inbox::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(signo: c_int, code: c_int) -> libc::siginfo_t {
        // SAFETY: all-zero is a valid siginfo.
        let mut info: libc::siginfo_t = unsafe { core::mem::zeroed() };
        (info.si_signo, info.si_code) = (signo, code);
        info
    }

    fn taken(inbox: &Inbox, set: sig::Mask) -> Option<(c_int, c_int)> {
        inbox.take(set).map(|(info, _)| (info.si_signo, info.si_code))
    }

    #[test]
    fn standard_signals_merge_and_the_first_stays() {
        let inbox = Inbox::new();
        inbox.add(&info(10, 1), false);
        inbox.add(&info(10, 2), false);
        assert_eq!(taken(&inbox, sig::ALL), Some((10, 1)));
        assert_eq!(taken(&inbox, sig::ALL), None);
        assert_eq!(inbox.pending(), 0);
        inbox.add(&info(10, 3), false);
        assert_eq!(taken(&inbox, sig::ALL), Some((10, 3)));
    }

    #[test]
    fn real_time_signals_queue_by_number_then_by_age() {
        let inbox = Inbox::new();
        for (signo, code) in [(40, 1), (35, 2), (40, 3), (35, 4), (12, 5)] {
            inbox.add(&info(signo, code), false);
        }
        let order: Vec<_> = core::iter::from_fn(|| taken(&inbox, sig::ALL)).collect();
        assert_eq!(order, [(12, 5), (35, 2), (35, 4), (40, 1), (40, 3)]);
    }

    #[test]
    fn only_what_is_asked_for_is_taken() {
        let inbox = Inbox::new();
        inbox.add(&info(10, 1), false);
        inbox.add(&info(12, 2), true);
        assert_eq!(taken(&inbox, sig::bit(15)), None);
        assert!(inbox.take_shared(sig::bit(10)).is_none());
        assert_eq!(inbox.pending(), sig::bit(10) | sig::bit(12));
        assert!(inbox.take_shared(sig::ALL).is_some());
        assert_eq!(taken(&inbox, sig::bit(10)), Some((10, 1)));
        assert_eq!(inbox.pending(), 0);
    }

    #[test]
    fn notes_beyond_a_chunk() {
        let inbox = Inbox::new();
        for round in 0..3 {
            for code in 0..500 {
                inbox.add(&info(50, code + round), false);
            }
            for code in 0..500 {
                assert_eq!(taken(&inbox, sig::ALL), Some((50, code + round)));
            }
            assert_eq!(inbox.pending(), 0);
        }
    }
}
