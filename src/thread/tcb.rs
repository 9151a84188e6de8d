//! What the engine knows of glibc's thread descriptor: where the tid and the cancellation word are.
//!
//! glibc publishes both offsets for its debugger library (`_thread_db_pthread_tid` and kin: size in bits,
//! count, offset). They are believed only when they prove themselves: the tid's word must hold our own tid.
//! Without a proved tid offset nothing is hijacked and every thread stays a kernel thread.

use crate::arch;
use crate::atomic::{AtomicU32, AtomicUsize, Ordering};
use crate::real;
use crate::sys;
use core::ffi::c_void;

const UNKNOWN: usize = usize::MAX;
static TID: AtomicUsize = AtomicUsize::new(UNKNOWN);
static CANCEL: AtomicUsize = AtomicUsize::new(UNKNOWN);
static ROBUST: AtomicUsize = AtomicUsize::new(UNKNOWN);
/// The end of the descriptor, from which the end of the stack block follows.
static SIZE: AtomicUsize = AtomicUsize::new(0);

/// The offset, below `limit`, that glibc publishes for a field of one element of so many bits.
pub fn published(field: *const c_void, bits: u32, limit: u32) -> Option<usize> {
    // SAFETY: a non-null symbol of that kind is glibc's three-word field description.
    let [size, count, offset] = unsafe { field.cast::<[u32; 3]>().as_ref().copied()? };
    (size == bits && count == 1 && offset % 4 == 0 && offset < limit).then_some(offset as usize)
}

/// No descriptor is larger.
pub const MOST: u32 = 8192;

/// Finds the offsets, on a thread whose kernel tid is its own. Whether hijacking is possible.
pub fn init() -> bool {
    let (Some(tid), Some(cancel)) = (
        published(real::address!(c"_thread_db_pthread_tid"), 32, MOST),
        published(real::address!(c"_thread_db_pthread_cancelhandling"), 32, MOST),
    ) else {
        return false;
    };
    // SAFETY: both lie within the calling thread's descriptor, by glibc's word; reading cannot fault.
    let found = unsafe { ((arch::thread_pointer() + tid) as *const u32).read_volatile() };
    let size = real::address!(c"_thread_db_sizeof_pthread").cast::<u32>();
    // SAFETY: a non-null symbol of this name is a 32-bit size.
    let Some(size) = (unsafe { size.as_ref().copied() }) else { return false };
    if found != sys::gettid() || size < 1024 {
        return false;
    }
    TID.store(tid, Ordering::Relaxed);
    CANCEL.store(cancel, Ordering::Relaxed);
    SIZE.store(size as usize, Ordering::Relaxed);
    learn_robust_head();
    super::loader::init();
    true
}

/// Where the descriptor has the tid's word.
pub fn tid_offset() -> Option<usize> {
    Some(TID.load(Ordering::Relaxed)).filter(|&at| at != UNKNOWN)
}

/// Where it has the pointer to the vector of its thread-local blocks.
pub fn dtv_offset() -> Option<usize> {
    published(real::address!(c"_thread_db_pthread_dtvp"), usize::BITS, MOST)
}

/// How large the descriptor is.
pub fn size() -> usize {
    SIZE.load(Ordering::Relaxed)
}

fn word(tp: usize, at: &AtomicUsize) -> Option<&'static AtomicU32> {
    let offset = at.load(Ordering::Relaxed);
    // SAFETY: a proved offset within the live descriptor at `tp`; glibc accesses it atomically too.
    (offset != UNKNOWN).then(|| unsafe { &*((tp + offset) as *const AtomicU32) })
}

/// The descriptor's tid word.
pub fn tid(tp: usize) -> Option<&'static AtomicU32> {
    word(tp, &TID)
}

/// The descriptor's cancellation word: bit 0 disabled, bit 1 asynchronous, the others glibc's own.
pub fn cancel_word(tp: usize) -> Option<&'static AtomicU32> {
    word(tp, &CANCEL)
}

/// glibc's mark in the cancellation word: a setuid or the like has asked this thread.
pub const SETXID_MARK: u32 = 1 << 6;

/// Whether a setuid or the like waits for the thread at `tp` to make its call.
pub fn is_asked_to_set_ids(tp: usize) -> bool {
    cancel_word(tp).is_some_and(|w| w.load(Ordering::Relaxed) & SETXID_MARK != 0)
}

/// Notes where glibc keeps the robust list: asked of the kernel, for the calling thread.
fn learn_robust_head() {
    let (mut head, mut len) = (0usize, 0usize);
    // SAFETY: the kernel fills two live words.
    let got = unsafe { crate::syscall!(libc::SYS_get_robust_list, 0usize, &raw mut head, &raw mut len) };
    let offset = head.wrapping_sub(arch::thread_pointer());
    if got.is_ok() && offset < 8192 {
        ROBUST.store(offset, Ordering::Relaxed);
    }
}

/// The address of the descriptor's robust list head.
pub fn robust_head(tp: usize) -> Option<usize> {
    let offset = ROBUST.load(Ordering::Relaxed);
    (offset != UNKNOWN).then_some(tp + offset)
}

/// The end of the stack block that holds the descriptor at its top.
pub fn block_end(tp: usize) -> usize {
    (tp + SIZE.load(Ordering::Relaxed) + 63) & !63
}

/// Writes the engine's depth in a TCB that does not run.
pub fn set_depth(tp: usize, depth: u64) {
    let at = (tp as isize + arch::tls_offset()) as *mut u64;
    // SAFETY: the second word of the engine's block, in the static TLS of a live TCB.
    unsafe { at.add(1).write(depth) };
}

/// How deep the thread at `tp` is inside the runtime.
pub fn depth(tp: usize) -> u32 {
    let at = (tp as isize + arch::tls_offset() + 8) as *const AtomicU32;
    // SAFETY: the third word of the engine's block, in the static TLS of a TCB that is never unmapped.
    unsafe { (*at).load(Ordering::Relaxed) }
}

/// Makes the thread at `tp` look what is wanted of it when it next leaves the runtime.
pub fn set_deferred(tp: usize) {
    let at = (tp as isize + arch::tls_offset() + 12) as *const AtomicU32;
    // SAFETY: the fourth word of the engine's block, in the static TLS of a TCB that is never unmapped.
    unsafe { (*at).store(1, Ordering::SeqCst) };
}
