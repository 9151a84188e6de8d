//! pthread_spin_lock: libc's trylock decides; who finds it taken spins for a moment and then lets others run, because
//! the owner may be one of them, parked or waiting for this very worker.

use crate::errno::Exit;
use crate::ops;
use crate::real;

/// Tries between two turns of the others: an owner that runs elsewhere lets go within so many.
const TRIES: usize = 100;

/// pthread_spin_lock(3).
///
/// # Safety
/// As the C function.
pub unsafe fn lock(l: *mut libc::pthread_spinlock_t) -> Result<(), Exit> {
    loop {
        for _ in 0..TRIES {
            // SAFETY: the caller's lock.
            if unsafe { real::pthread_spin_trylock(l) } == 0 {
                return Ok(());
            }
            core::hint::spin_loop();
        }
        // SAFETY: no arguments. A thread that is not ours spins in libc.
        unsafe { ops::time::sched_yield() }?;
    }
}
