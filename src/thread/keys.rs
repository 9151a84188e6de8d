//! pthread keys: which exist, so that a green thread's end can run their destructors.
//!
//! The values live in the TCB, where libc keeps them; only the destructors are noted here, because libc's own
//! rounds run in `start_thread`, which a hijacked thread never reaches the end of.

use crate::atomic::{AtomicU32, AtomicUsize, Ordering};
use crate::real;
use core::ffi::c_void;

pub type Destructor = unsafe extern "C" fn(*mut c_void);

const MOST: usize = 1024;
const ROUNDS: u32 = 4;

struct Slot {
    in_use: AtomicU32,
    destructor: AtomicUsize,
}

static KEYS: [Slot; MOST] = [const { Slot { in_use: AtomicU32::new(0), destructor: AtomicUsize::new(0) } }; MOST];
/// One more than the highest key ever made.
static END: AtomicU32 = AtomicU32::new(0);

/// Notes a key that libc has just made.
pub fn created(key: libc::pthread_key_t, destructor: Option<Destructor>) {
    if let Some(slot) = KEYS.get(key as usize) {
        slot.destructor.store(destructor.map_or(0, |d| d as usize), Ordering::Relaxed);
        slot.in_use.store(1, Ordering::Release);
        END.fetch_max(key + 1, Ordering::Relaxed);
    }
}

/// Forgets a key that is being deleted.
pub fn deleted(key: libc::pthread_key_t) {
    if let Some(slot) = KEYS.get(key as usize) {
        slot.in_use.store(0, Ordering::Release);
        slot.destructor.store(0, Ordering::Relaxed);
    }
}

/// Runs the calling thread's destructors in POSIX's rounds and leaves every value null.
///
/// Runs program code: nothing of ours may be held.
pub fn run_destructors() {
    for _ in 0..ROUNDS {
        let mut ran = false;
        for key in 0..END.load(Ordering::Relaxed) {
            ran |= run_one(key);
        }
        if !ran {
            return;
        }
    }
    for key in 0..END.load(Ordering::Relaxed) {
        // SAFETY: libc checks the key.
        unsafe { real::pthread_setspecific(key, core::ptr::null()) };
    }
}

fn run_one(key: libc::pthread_key_t) -> bool {
    let slot = &KEYS[key as usize];
    if slot.in_use.load(Ordering::Acquire) == 0 {
        return false;
    }
    // SAFETY: libc checks the key; the destructor is what the program registered for it.
    unsafe {
        let value = real::pthread_getspecific(key);
        if value.is_null() {
            return false;
        }
        real::pthread_setspecific(key, core::ptr::null());
        let destructor = slot.destructor.load(Ordering::Relaxed);
        if destructor == 0 {
            return false;
        }
        core::mem::transmute::<usize, Destructor>(destructor)(value);
    }
    true
}
