//! The dynamic loader's locks, which a thread holds in the constructors that its dlopen runs.
//!
//! They are recursive mutexes of libc's, in the loader's own memory and out of reach of our hooks: libc unlocks one only if
//! its owner is the id that the calling thread's descriptor shows. A thread that gets another id there takes its locks
//! along. Where they lie in the loader's memory differs from version to version; they are known by their shape and by
//! their owner, which is a number that nobody else has.
//!
//! Rejected: a binding at the beginning of every dlopen, which would cost each thread that loads something a kernel thread
//! for the sake of the few whose constructors need one.

use crate::atomic::{AtomicU32, AtomicUsize, Ordering};
use crate::real;
use core::ffi::{c_int, c_void};

static MEMORY: AtomicUsize = AtomicUsize::new(0);
static SIZE: AtomicUsize = AtomicUsize::new(0);

/// The words of glibc's mutex: lock, count, owner, users, kind.
const COUNT: usize = 1;
const OWNER: usize = 2;
const KIND: usize = 4;
const WORDS: usize = 5;
const RECURSIVE: u32 = 1;

/// More than the loader's memory is in any version; what is larger is something else.
const LARGEST: usize = 64 * 1024;

/// An entry of the symbol table, as far as its size.
#[repr(C)]
struct Symbol {
    name: u32,
    kind: [u8; 2],
    section: u16,
    value: u64,
    size: u64,
}

/// Finds the loader's memory. Asks the loader, so not while a thread may be in it.
pub fn init() {
    const WITH_SYMBOL: c_int = 1; // RTLD_DL_SYMENT
    let at = real::address!(c"_rtld_global");
    let mut found: *mut c_void = core::ptr::null_mut();
    // SAFETY: live variables; with this flag the loader leaves the address of a symbol table entry, or null.
    let size = unsafe {
        let mut object: libc::Dl_info = core::mem::zeroed();
        if at.is_null()
            || libc::dladdr1(at, &mut object, &mut found, WITH_SYMBOL) == 0
            || object.dli_saddr != at.cast_mut()
        {
            return;
        }
        found.cast::<Symbol>().as_ref().map_or(0, |symbol| symbol.size as usize)
    };
    if size <= LARGEST && (at as usize).is_multiple_of(align_of::<AtomicU32>()) {
        SIZE.store(size, Ordering::Relaxed);
        MEMORY.store(at as usize, Ordering::Release);
    }
}

/// The calling thread's descriptor shows `new` in place of `old` from now on: so do the locks that it holds.
pub fn rename_owner(old: u32, new: u32) {
    let at = MEMORY.load(Ordering::Acquire) as *const AtomicU32;
    if at.is_null() {
        return;
    }
    let words = SIZE.load(Ordering::Relaxed) / size_of::<AtomicU32>();
    // SAFETY: an object of the loader's of this size, which is never unmapped; it is written under locks of which one is
    // changed only if the caller holds it, and looked at word by word.
    let memory = unsafe { core::slice::from_raw_parts(at, words) };
    for mutex in memory.windows(WORDS) {
        let word = |n: usize| mutex[n].load(Ordering::Relaxed);
        if word(OWNER) == old && word(0) != 0 && word(COUNT) != 0 && word(KIND) == RECURSIVE {
            mutex[OWNER].store(new, Ordering::Relaxed);
        }
    }
}
