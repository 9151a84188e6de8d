//! Barriers: the count of arrivals is kept in glibc's own first field, under the lot's bucket lock.

use crate::errno::Exit;
use crate::park::Wake;
use crate::park::lot::{self, Kind, Parked};
use crate::report::Call;
use crate::thread::wait::Wait;
use core::ffi::c_int;

/// glibc's `struct pthread_barrier`.
#[repr(C)]
struct Layout {
    arrived: u32,
    round: u32,
    count: u32,
    shared: c_int,
    out: u32,
}

const _: () = assert!(size_of::<libc::pthread_barrier_t>() == 32 && size_of::<Layout>() == 20);

/// pthread_barrier_wait(3): -1 for one thread of each round, 0 for the others.
///
/// # Safety
/// As the C function.
pub unsafe fn wait(b: *mut libc::pthread_barrier_t) -> Result<c_int, Exit> {
    let l: *mut Layout = b.cast();
    // SAFETY: the caller's barrier; after the last arrival its memory is not touched again.
    unsafe {
        if (*l).shared != 0 {
            return Err(Exit::Offloaded);
        }
        let (mut last, mut mask) = (false, 0);
        // The waiters of a round carry its bit, so that a release cannot wake one that came for a later round.
        // `validate` decides, so the mask is fixed before it runs and checked in it.
        loop {
            let round = (&raw const (*l).round).read_volatile();
            mask = if mask == 0 { 1 << (round % 32) } else { mask };
            let mut moved_on = false;
            let parked = lot::park_for_all(b as usize, Kind::Barrier, mask, &Wait::forever(Call::Barrier), || {
                if (*l).round != round {
                    moved_on = true;
                    return false;
                }
                (*l).arrived += 1;
                last = (*l).arrived == (*l).count;
                if last {
                    (*l).arrived = 0;
                    (*l).round = round.wrapping_add(1);
                }
                !last
            });
            match parked {
                Parked::Invalid if moved_on => mask = 0,
                Parked::Invalid => break,
                Parked::Woken(why) => {
                    wait_out(b, mask, why);
                    return Ok(0);
                }
            }
        }
        lot::unpark(b as usize, Kind::Barrier, usize::MAX, mask);
    }
    Ok(libc::PTHREAD_BARRIER_SERIAL_THREAD)
}

/// pthread_barrier_destroy(3): waits until a round that has begun is over, as glibc's does.
///
/// # Safety
/// As the C function.
pub unsafe fn destroy(b: *mut libc::pthread_barrier_t) -> Result<(), Exit> {
    let l: *mut Layout = b.cast();
    // SAFETY: the caller's barrier.
    unsafe {
        if (*l).shared != 0 {
            return Err(Exit::Offloaded);
        }
        let mask = 1 << ((&raw const (*l).round).read_volatile() % 32);
        if (&raw const (*l).arrived).read_volatile() != 0 {
            wait_out(b, mask, Wake::Interrupted);
        }
    }
    Ok(())
}

/// A wake that was not the release (a signal), or none yet: waits for the rest of the round.
///
/// # Safety
/// `b` is a barrier that exists while the round of `mask` is not over.
unsafe fn wait_out(b: *mut libc::pthread_barrier_t, mask: u32, mut why: Wake) {
    let l: *mut Layout = b.cast();
    while why != Wake::Ready {
        // SAFETY: while its round is not over the barrier exists.
        let parked = lot::park_for_all(b as usize, Kind::Barrier, mask, &Wait::forever(Call::Barrier), || unsafe {
            1 << ((*l).round % 32) == mask
        });
        match parked {
            Parked::Invalid => return,
            Parked::Woken(w) => why = w,
        }
    }
}
