//! `syscall(2)`: the futex calls of programs that make them through libc, and the numbers that would show a
//! green thread's kernel side.
//!
//! Waits park in the lot. One without the private flag may be for another process (libstdc++'s atomics leave the
//! flag out): if its word is in shared memory it is the real call, offloaded. Wakes go to both, the lot first: the kernel may hold waiters from before activation, foreign ones,
//! or another process's.

use crate::arch::tls;
use crate::atomic::{AtomicU32, Ordering};
use crate::errno::{Errno, Exit};
use crate::ops::offload;
use crate::park::Wake;
use crate::park::lot::{self, Kind, Parked};
use crate::report::Call;
use crate::sched;
use crate::signal::{self, Interruption};
use crate::sys::time::{self, Deadline, Timespec};
use crate::sys::{maps, mem};
use crate::thread::beside;
use crate::thread::wait::Wait;

type Words = [usize; 6];

const COMMAND: i32 = !(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME);

/// The SYS_futex of syscall(2).
///
/// # Safety
/// As the system call.
pub unsafe fn futex(a: Words) -> Result<isize, Exit> {
    let op = a[1] as i32;
    if op & libc::FUTEX_CLOCK_REALTIME != 0 && op & COMMAND != libc::FUTEX_WAIT_BITSET {
        // The kernel knows to which others the flag may be given.
        // SAFETY: the caller's arguments.
        return unsafe { offloaded(a) };
    }
    let private = op & libc::FUTEX_PRIVATE_FLAG != 0;
    // SAFETY: the caller's arguments, as the kernel would take them.
    unsafe {
        match op & COMMAND {
            libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET if tls::is_held() => Err(Exit::Native),
            libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET if private || !(beside::is_cleared(a[0]) || is_shared(a[0])) => {
                wait(a, op)
            }
            libc::FUTEX_WAKE => wake(a, u32::MAX),
            libc::FUTEX_WAKE_BITSET => wake(a, a[5] as u32),
            libc::FUTEX_REQUEUE => requeue(a, None),
            libc::FUTEX_CMP_REQUEUE => requeue(a, Some(a[5] as u32)),
            _ => offloaded(a),
        }
    }
}

fn is_shared(address: usize) -> bool {
    sched::scout::send(|| maps::is_shared(address))
}

/// # Safety
/// As the system call.
unsafe fn offloaded(a: Words) -> Result<isize, Exit> {
    let scope = offload::enter();
    // SAFETY: the caller's arguments.
    let r = unsafe { crate::sys::syscall6(libc::SYS_futex, a) };
    offload::leave(scope);
    Ok(r.map(|n| n as isize)?)
}

/// # Safety
/// As the system call.
unsafe fn wait(a: Words, op: i32) -> Result<isize, Exit> {
    let (address, expected) = (a[0], a[2] as u32);
    let bitset = op & COMMAND == libc::FUTEX_WAIT_BITSET;
    let mask = if bitset { a[5] as u32 } else { u32::MAX };
    if !address.is_multiple_of(4) || mask == 0 {
        return Err(Errno::INVAL.into());
    }
    let until = match a[3] as *const Timespec {
        at if at.is_null() => None,
        at => Some(deadline(&mem::read(at)?, bitset, op)?),
    };
    mem::read(address as *const u32)?;
    // SAFETY: the caller's aligned word.
    let word = unsafe { &*(address as *const AtomicU32) };
    signal::forget_interruption();
    let how = Wait::until(Call::Futex, until);
    loop {
        let parked = lot::park(address, Kind::Futex, mask, &how, || word.load(Ordering::SeqCst) == expected, || {});
        match parked {
            Parked::Invalid => return Err(Errno::AGAIN.into()),
            Parked::Woken(Wake::Ready) => return Ok(0),
            Parked::Woken(Wake::TimedOut) => return Err(Errno::TIMEDOUT.into()),
            Parked::Woken(Wake::Interrupted) => match signal::take_interruption() {
                // With a time-out the kernel's wait is never restarted after a handler.
                Interruption::Restart if until.is_some() => return Err(Errno::INTR.into()),
                Interruption::Fail => return Err(Errno::INTR.into()),
                _ => {}
            },
            Parked::Woken(_) => {}
        }
    }
}

/// WAIT takes an interval, WAIT_BITSET an absolute time; both in CLOCK_MONOTONIC unless the flag says realtime.
fn deadline(at: &Timespec, bitset: bool, op: i32) -> Result<Deadline, Errno> {
    if !at.is_valid() {
        return Err(Errno::INVAL);
    }
    let clock = if op & libc::FUTEX_CLOCK_REALTIME != 0 { libc::CLOCK_REALTIME } else { libc::CLOCK_MONOTONIC };
    if bitset { time::deadline(clock, *at) } else { Ok(time::after(at.nanos()).into()) }
}

/// # Safety
/// As the system call.
unsafe fn wake(a: Words, mask: u32) -> Result<isize, Exit> {
    let n = (a[2] as i32).max(0) as usize;
    if !a[0].is_multiple_of(4) || mask == 0 {
        return Err(Errno::INVAL.into());
    }
    let ours = lot::unpark(a[0], Kind::Futex, n, mask);
    if ours >= n.max(1) {
        return Ok(ours as isize);
    }
    let mut rest = a;
    rest[2] = n - ours;
    // SAFETY: the caller's arguments with a smaller count.
    let theirs = unsafe { crate::sys::syscall6(libc::SYS_futex, rest) }?;
    Ok((ours + theirs) as isize)
}

/// # Safety
/// As the system call.
unsafe fn requeue(a: Words, compare: Option<u32>) -> Result<isize, Exit> {
    let (wake, most) = ((a[2] as i32).max(0) as usize, (a[3] as i32).max(0) as usize);
    if !a[0].is_multiple_of(4) || !a[4].is_multiple_of(4) {
        return Err(Errno::INVAL.into());
    }
    // SAFETY: the caller's aligned word.
    let holds = || compare.is_none_or(|v| unsafe { (*(a[0] as *const AtomicU32)).load(Ordering::SeqCst) } == v);
    mem::read(a[0] as *const u32)?;
    let Some((woken, moved)) = lot::requeue(a[0], a[4], wake, most, holds) else { return Err(Errno::AGAIN.into()) };
    // The kernel counts both for either operation, whatever the man page says of the plain one.
    let mut total = woken + moved;
    if woken < wake || moved < most {
        let mut rest = a;
        (rest[2], rest[3]) = (wake - woken, most - moved);
        // SAFETY: the caller's arguments with smaller counts.
        total += unsafe { crate::sys::syscall6(libc::SYS_futex, rest) }?;
    }
    Ok(total as isize)
}
