//! Clocks and the kernel's timespec. What is timed inside the engine is nanoseconds of CLOCK_MONOTONIC; a wait until a time
//! of CLOCK_REALTIME stays one, because that clock may be set meanwhile.

use crate::errno::Errno;
use crate::syscall;

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Timespec {
    pub sec: i64,
    pub nsec: i64,
}

pub const SECOND: u64 = 1_000_000_000;

/// The kernel's clocks end here, after 292 years, and longer times are cut.
const LONGEST: u64 = i64::MAX as u64;

const fn at_most_longest(ns: u64) -> u64 {
    if ns > LONGEST { LONGEST } else { ns }
}

impl Timespec {
    pub const fn from_nanos(ns: u64) -> Timespec {
        Timespec { sec: (ns / SECOND) as i64, nsec: (ns % SECOND) as i64 }
    }

    /// A valid time or interval and `ns` more, at most as many seconds as there are.
    pub const fn plus(&self, ns: u64) -> Timespec {
        let more = Timespec::from_nanos(ns);
        let nsec = self.nsec + more.nsec;
        let carry = nsec / SECOND as i64;
        Timespec { sec: self.sec.saturating_add(more.sec + carry), nsec: nsec % SECOND as i64 }
    }

    /// The same less `ns`, at least zero.
    pub const fn less(&self, ns: u64) -> Timespec {
        let past = Timespec::from_nanos(ns);
        let (mut sec, mut nsec) = (self.sec - past.sec, self.nsec - past.nsec);
        if nsec < 0 {
            (sec, nsec) = (sec - 1, nsec + SECOND as i64);
        }
        if sec < 0 { Timespec { sec: 0, nsec: 0 } } else { Timespec { sec, nsec } }
    }

    /// Whether the kernel would take it as an interval or an absolute time.
    pub const fn is_valid(&self) -> bool {
        self.sec >= 0 && 0 <= self.nsec && self.nsec < SECOND as i64
    }

    /// Nanoseconds, at most the kernel's longest time; a negative time counts as zero.
    pub const fn nanos(&self) -> u64 {
        if self.sec < 0 {
            return 0;
        }
        at_most_longest((self.sec as u64).saturating_mul(SECOND).saturating_add(self.nsec as u64))
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

/// The monotonic deadline `interval` ns from now, at most the kernel's longest time.
pub fn after(interval: u64) -> u64 {
    at_most_longest(now().saturating_add(interval))
}

/// Waits in the kernel, for so many nanoseconds or until a signal comes.
pub fn pause(ns: u64) {
    let span = Timespec::from_nanos(ns);
    // SAFETY: a live timespec; nothing is written.
    let _ = unsafe { syscall!(libc::SYS_nanosleep, &raw const span, 0usize) };
}

/// When a wait ends, in nanoseconds of one of two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    Monotonic(u64),
    Real(u64),
}

impl From<u64> for Deadline {
    fn from(at: u64) -> Deadline {
        Deadline::Monotonic(at)
    }
}

impl Deadline {
    /// The same in monotonic time, as the clocks stand now. Times in the past give one in the past.
    pub fn monotonic(self) -> u64 {
        match self {
            Deadline::Monotonic(at) => at,
            Deadline::Real(at) => {
                let (real, mono) = (clock(libc::CLOCK_REALTIME), now());
                at_most_longest(mono.saturating_add(at).saturating_sub(real))
            }
        }
    }
}

/// An absolute time of `clock_id`; `EINVAL` for a clock other than realtime or monotonic.
pub fn deadline(clock_id: libc::clockid_t, at: Timespec) -> Result<Deadline, Errno> {
    match clock_id {
        libc::CLOCK_MONOTONIC => Ok(Deadline::Monotonic(at.nanos())),
        libc::CLOCK_REALTIME => Ok(Deadline::Real(at.nanos())),
        _ => Err(Errno::INVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_do_not_fit_in_nanoseconds() {
        let far = Timespec { sec: i64::MAX, nsec: 999_999_999 };
        assert_eq!(far.nanos(), LONGEST);
        assert_eq!(far.plus(2 * SECOND).sec, i64::MAX);
        assert_eq!(far.less(SECOND + 1), Timespec { sec: i64::MAX - 1, nsec: 999_999_998 });
        assert_eq!(Timespec { sec: 1, nsec: 0 }.less(1), Timespec { sec: 0, nsec: 999_999_999 });
        assert_eq!(Timespec { sec: 1, nsec: 0 }.less(2 * SECOND), Timespec::default());
        assert_eq!(Timespec { sec: 1, nsec: 999_999_999 }.plus(1), Timespec { sec: 2, nsec: 0 });
    }
}
