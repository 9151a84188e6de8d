//! Clocks and the kernel's timespec. Deadlines inside the engine are nanoseconds of CLOCK_MONOTONIC.

use crate::errno::Errno;

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Timespec {
    pub sec: i64,
    pub nsec: i64,
}

pub const SECOND: u64 = 1_000_000_000;

impl Timespec {
    pub const fn from_nanos(ns: u64) -> Timespec {
        Timespec { sec: (ns / SECOND) as i64, nsec: (ns % SECOND) as i64 }
    }

    /// Whether the kernel would take it as an interval or an absolute time.
    pub const fn is_valid(&self) -> bool {
        self.sec >= 0 && 0 <= self.nsec && self.nsec < SECOND as i64
    }

    /// Nanoseconds, saturating; a negative time counts as zero.
    pub const fn nanos(&self) -> u64 {
        if self.sec < 0 {
            return 0;
        }
        (self.sec as u64).saturating_mul(SECOND).saturating_add(self.nsec as u64)
    }
}

/// Reads a clock through the vDSO: libc's `clock_gettime` is neither hooked nor a cancellation point.
pub fn clock(id: libc::clockid_t) -> u64 {
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `ts` is a live timespec that the call fills.
    unsafe { libc::clock_gettime(id, &mut ts) };
    Timespec { sec: ts.tv_sec, nsec: ts.tv_nsec }.nanos()
}

/// CLOCK_MONOTONIC in nanoseconds.
pub fn now() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

/// The monotonic deadline `interval` ns from now, saturating.
pub fn after(interval: u64) -> u64 {
    now().saturating_add(interval)
}

/// Turns an absolute time of `clock_id` into a monotonic deadline. Times in the past give a deadline in
/// the past. `EINVAL` for a clock other than realtime or monotonic.
pub fn deadline(clock_id: libc::clockid_t, at: Timespec) -> Result<u64, Errno> {
    match clock_id {
        libc::CLOCK_MONOTONIC => Ok(at.nanos()),
        libc::CLOCK_REALTIME => {
            let (real, mono) = (clock(libc::CLOCK_REALTIME), now());
            Ok(mono.saturating_add(at.nanos()).saturating_sub(real))
        }
        _ => Err(Errno::INVAL),
    }
}
