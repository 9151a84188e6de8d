//! pthread_once: glibc's control word, our waiting. The initialiser may park, be cancelled, or throw.

use crate::arch::tls;
use crate::atomic::{AtomicU32, Ordering};
use crate::errno::Exit;
use crate::park::lot::{self, Kind};
use crate::report::Call;
use crate::sys::futex;
use crate::sys::time;
use crate::thread::wait::Wait;
use crate::thread::{beside, foreign};
use core::ffi::c_int;

pub type Initialiser = unsafe extern "C-unwind" fn();

/// Between two looks at an initialiser that a thread runs in libc, which will wake nobody here.
const LOOK: u64 = 5_000_000;

const IN_PROGRESS: u32 = 1;
const DONE: u32 = 2;
const GENERATION: u32 = 4;

/// Counted up in every forked child: an initialiser that the parent's thread was running starts again.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Puts the word back and lets another thread try, should the initialiser be unwound.
struct Attempt<'a>(&'a AtomicU32);

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::SeqCst);
        wake(self.0);
    }
}

fn wake(word: &AtomicU32) {
    lot::unpark(word.as_ptr() as usize, Kind::Once, usize::MAX, u32::MAX);
    if beside::any_process() {
        futex::wake(word, i32::MAX as u32);
    }
}

/// pthread_once(3).
///
/// # Safety
/// As the C function.
pub unsafe fn once(control: *mut libc::pthread_once_t, init: Initialiser) -> Result<c_int, Exit> {
    // SAFETY: the caller's control word, an aligned int.
    let word = unsafe { &*control.cast::<AtomicU32>() };
    let running = IN_PROGRESS | FORKS.load(Ordering::Relaxed);
    loop {
        let now = word.load(Ordering::Acquire);
        if now & DONE != 0 {
            return Ok(0);
        }
        if now == running && tls::is_held() {
            futex::wait(word, running);
        } else if now == running {
            lot::park(
                word.as_ptr() as usize,
                Kind::Once,
                u32::MAX,
                &Wait::until(Call::Once, foreign::any_elders().then(|| time::after(LOOK))),
                || word.load(Ordering::SeqCst) == running,
                || {},
            );
        } else if word.compare_exchange(now, running, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            let attempt = Attempt(word);
            // SAFETY: the caller's routine.
            unsafe { init() };
            core::mem::forget(attempt);
            word.store(DONE, Ordering::SeqCst);
            wake(word);
            return Ok(0);
        }
    }
}

/// call_once(3), which tells nothing.
///
/// # Safety
/// As the C function.
pub unsafe fn call_once(flag: *mut libc::pthread_once_t, init: Initialiser) -> Result<(), Exit> {
    // SAFETY: the caller's arguments; a once_flag is a pthread_once_t in glibc.
    unsafe { once(flag, init) }.map(|_| ())
}

/// A forked child: what was in progress is nobody's.
pub fn after_fork() {
    FORKS.fetch_add(GENERATION, Ordering::Relaxed);
}
