//! Patch sets: which calls park. All do, unless `GREENLET_PATCH` or greenlet_init(GREENLET_MANUAL) says otherwise; greenlet_wrap_socket(3)
//! and its kin add to them, for the whole process.
//!
//! While a set is off its calls are libc's own, made with the permit given up when a green thread makes them, so that others go on.
//! What is off stands in the word that each hook reads anyway (`start`), as zero bits where nothing is: the usual case costs
//! nothing more.
//!
//! Three sets exist in name only. Look-ups (`dns`) and children (`process`) are libc's own with the permit given up in either case,
//! and the signals of green threads are the library's, so that in libc's own waits for them (`signal`) nothing would come. For that
//! reason `ppoll`, `pselect`, `epoll_pwait` and `epoll_pwait2` belong to no set. The calls on
//! locks and conditions, yields, and those that only tell of a descriptor belong to no set: green and kernel threads share what
//! they are about.

use crate::atomic::{AtomicU32, Ordering};
use crate::start;

/// Some of the sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Set(u32);

impl Set {
    pub const NONE: Set = Set(0);
    pub const SOCKET: Set = Set(1);
    pub const SELECT: Set = Set(1 << 1);
    pub const THREAD: Set = Set(1 << 2);
    pub const TIME: Set = Set(1 << 3);
    pub const DNS: Set = Set(1 << 4);
    pub const PROCESS: Set = Set(1 << 5);
    pub const SIGNAL: Set = Set(1 << 6);
    pub const FILE: Set = Set(1 << 7);
    pub const ALL: Set = Set(u8::MAX as u32);
    /// `read`, `write` and their kin, which are about sockets and about everything else.
    pub const BYTES: Set = Set(Set::SOCKET.0 | Set::FILE.0);

    /// By its name in `GREENLET_PATCH`.
    pub fn of_word(word: &[u8]) -> Option<Set> {
        Some(match word {
            b"socket" => Set::SOCKET,
            b"select" => Set::SELECT,
            b"thread" => Set::THREAD,
            b"time" => Set::TIME,
            b"dns" => Set::DNS,
            b"process" => Set::PROCESS,
            b"signal" => Set::SIGNAL,
            b"file" => Set::FILE,
            b"all" => Set::ALL,
            _ => return None,
        })
    }

    pub const fn and(self, other: Set) -> Set {
        Set(self.0 | other.0)
    }

    const fn without(self, other: Set) -> Set {
        Set(self.0 & !other.0)
    }

    /// As bits of the word that each hook reads.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether the calls of this set park, while those of `off` do not: one that is in two sets does with either.
    pub const fn is_on(self, off: u32) -> bool {
        self.0 & !off != 0
    }
}

/// What is off.
static OFF: AtomicU32 = AtomicU32::new(0);
/// What the program has asked for by name.
static WRAPPED: AtomicU32 = AtomicU32::new(0);

/// The sets that are off.
pub fn off() -> Set {
    Set(OFF.load(Ordering::SeqCst))
}

/// Only these are on, besides what the program has asked for; what was off before.
pub fn limit_to(set: Set) -> Set {
    let on = set.and(Set(WRAPPED.load(Ordering::SeqCst)));
    set_off(Set::ALL.without(on))
}

/// Puts back what [`limit_to`] found.
pub fn set_off(off: Set) -> Set {
    let before = Set(OFF.swap(off.0, Ordering::SeqCst));
    start::patches_changed();
    before
}

/// greenlet_wrap_socket(3) and its kin.
pub fn wrap(set: Set) {
    WRAPPED.fetch_or(set.0, Ordering::SeqCst);
    OFF.fetch_and(!set.0, Ordering::SeqCst);
    start::patches_changed();
}
