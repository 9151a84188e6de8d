//! Parking: one permit a thread, one reason a wake.
//!
//! A [`Parker`] is armed before the thread shows itself to any waker, fired by at most one of them, and
//! committed by the scheduler once the thread's context is saved. Wakers call [`Parker::fire`] while they
//! hold the lock of the source (bucket, descriptor slot, timer heap) that the thread is linked in, and the
//! thread unlinks itself under the same lock before it goes on: so no waker can hold a stale pointer, and no
//! fire can reach a later wait.
//!
//! | state     | meaning                                                | left by                    |
//! |-----------|--------------------------------------------------------|----------------------------|
//! | IDLE      | not waiting                                            | `arm`                      |
//! | ARMED     | may be fired; context not saved yet                    | `fire`, `commit`, `disarm` |
//! | PARKED    | context saved; a fire must schedule it                 | `fire`                     |
//! | LISTENING | in the kernel's sigtimedwait, which only a signal ends | `fire`                     |
//! | FIRED     | carries the reason                                     | `take`                     |

pub mod count;
#[cfg(not(loom))]
pub mod lot;
#[cfg(not(loom))]
pub mod tally;

use crate::atomic::modelled::{AtomicU32, Ordering, modelled_new};

/// Why a parked thread runs again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Wake {
    /// What it waited for may hold now.
    Ready = 0,
    /// Its deadline passed.
    TimedOut = 1,
    /// A signal handler ran, or is to run, in this thread.
    Interrupted = 2,
    /// pthread_cancel hit it while cancellation was enabled.
    Cancelled = 3,
}

impl Wake {
    fn from_bits(bits: u32) -> Wake {
        match bits {
            0 => Wake::Ready,
            1 => Wake::TimedOut,
            2 => Wake::Interrupted,
            _ => Wake::Cancelled,
        }
    }
}

const IDLE: u32 = 0;
const ARMED: u32 = 1;
const PARKED: u32 = 2;
const LISTENING: u32 = 3;
const FIRED: u32 = 4;
const REASON_SHIFT: u32 = 4;

/// What a waker must do after it fired.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fire {
    /// Somebody else was first, or the thread does not wait.
    Lost,
    /// Won; the thread has not slept yet and will see it.
    Seen,
    /// Won; the thread sleeps and the waker must make it run.
    MustResume,
    /// Won; the thread listens and waits for exactly one signal from the waker.
    MustSignal,
}

/// The waiting state of one thread.
#[derive(Debug)]
pub struct Parker {
    state: AtomicU32,
}

impl Parker {
    modelled_new! {
        pub fn new() -> Parker {
            Parker { state: AtomicU32::new(IDLE) }
        }
    }

    /// Becomes fireable. Only the owning thread, only when idle.
    pub fn arm(&self) {
        debug_assert_eq!(self.state.load(Ordering::Relaxed), IDLE);
        self.state.store(ARMED, Ordering::Release);
    }

    /// Wakes the thread for `why`, if nobody was faster.
    pub fn fire(&self, why: Wake) -> Fire {
        let fired = FIRED | ((why as u32) << REASON_SHIFT);
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            let outcome = match state {
                ARMED => Fire::Seen,
                PARKED => Fire::MustResume,
                LISTENING => Fire::MustSignal,
                _ => return Fire::Lost,
            };
            match self.state.compare_exchange_weak(state, fired, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return outcome,
                Err(now) => state = now,
            }
        }
    }

    /// The context is saved: sleep, unless fired meanwhile (then false, and the thread must run on).
    pub fn commit(&self) -> bool {
        self.settle(PARKED)
    }

    /// As [`commit`](Self::commit), for a kernel thread that is about to sleep where its waker has to send it a signal.
    pub fn commit_listening(&self) -> bool {
        self.settle(LISTENING)
    }

    fn settle(&self, asleep: u32) -> bool {
        self.state.compare_exchange(ARMED, asleep, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The thread does not sleep after all. A reason that was already delivered is returned, not lost.
    pub fn disarm(&self) -> Option<Wake> {
        let old = self.state.swap(IDLE, Ordering::AcqRel);
        (old & FIRED != 0).then(|| Wake::from_bits(old >> REASON_SHIFT))
    }

    /// The reason, once fired. Only the owning thread: nobody else writes a fired parker.
    pub fn take(&self) -> Wake {
        let old = self.state.load(Ordering::Acquire);
        debug_assert!(old & FIRED != 0);
        self.state.store(IDLE, Ordering::Release);
        Wake::from_bits(old >> REASON_SHIFT)
    }

    /// Whether a waker has fired it.
    pub fn is_fired(&self) -> bool {
        self.state.load(Ordering::Acquire) & FIRED != 0
    }

    /// The word a kernel thread sleeps on, and the value it has while parked.
    pub fn futex(&self) -> (&AtomicU32, u32) {
        (&self.state, PARKED)
    }
}

impl Default for Parker {
    fn default() -> Parker {
        Parker::new()
    }
}
