//! The engine of libgreenlet: green threads under unmodified pthread programs.
//!
//! # Glossary
//!
//! - **pair**: a TCB and stack that glibc made with `pthread_create`, without its kernel thread.
//! - **green thread** ([`thread::Thread`]): what runs on a pair, in a coroutine; a real pthread to libc.
//! - **adopted**: the main thread, whose stack we did not start. **foreign**: a kernel thread that is not ours.
//! - **worker**, **permit** ([`sched`]): a kernel thread, and the right to run green threads on one.
//! - **park**, **fire** ([`park`]): to wait, and to end another's wait, exactly once.
//! - **lot** ([`park::lot`]): who waits for an address. **reactor**: who waits for a descriptor.
//! - **guest** ([`thread::beside`]): a process, or a kernel thread unknown to libc, that clone(2) put into our memory.
//! - **recruiter** ([`sched`]): a kernel thread of ours that makes the others, and keeps one worker in **reserve**.
//! - **scout** ([`sched::scout`]): a kernel thread of ours that opens files for the others, in a table of descriptors of its own.
//! - **pump** ([`tls`]): a kernel thread of ours that carries connections which speak TLS, beside everything else.
//! - **rescue**, **offload**, **bind**: a worker that is stuck loses its permit; gives it up beforehand; for good.
//!
//! # Data flow
//!
//! ```text
//! preload   the C symbol: arguments in, errno out
//!   ops     what was asked: try, wait, try again; sync: POSIX objects over the lot
//!   reactor, timer   who waits for what
//!   thread  what runs; its waiter            sched   who runs next
//!   park    the parker                       arch, sys   assembly, the kernel
//! ```
//!
//! `start` is the one file that wires them.
//!
//! # Invariants
//!
//! 1. No lock of ours is held across a switch, a callback into program code or the program's malloc.
//! 2. Between writing the thread pointer and switching the stack nothing touches TLS.
//! 3. A waiter is fired only under the lock of the source it is linked in; it unlinks itself under that lock
//!    before it goes on. `Interrupted` and `Cancelled` alone may come from elsewhere, and may be stale.
//! 4. Inside the runtime (`arch::tls` depth above 0) no signal handler of the program runs.
//!
//! # Lock order
//!
//! lot bucket, reactor slot, timer heap (one at a time) < the table of closed numbers < run queue < pool < allocator;
//! records < an inbox's list; records < stack reservations < templates < allocator; greenlets' timers < timer heap < who has the
//! turn < run queue; timer heap < what was thrown, what has fired, the handles of greenlets; lot bucket < the states of events,
//! semaphores and queues < allocator; who may send the scout < all others; who may ask the pumps < what they have in common < the addresses
//! of servers < allocator.

pub mod atomic;
pub mod park;

#[cfg(not(loom))]
pub mod arch;
#[cfg(not(loom))]
pub mod config;
#[cfg(not(loom))]
pub mod errno;
#[cfg(not(loom))]
pub mod ops;
#[cfg(not(loom))]
pub mod origin;
#[cfg(not(loom))]
pub mod patch;
#[cfg(not(loom))]
pub mod reactor;
#[cfg(not(loom))]
pub mod real;
#[cfg(not(loom))]
pub mod report;
#[cfg(not(loom))]
pub mod sched;
#[cfg(not(loom))]
pub mod signal;
#[cfg(not(loom))]
pub mod start;
#[cfg(not(loom))]
pub mod sync;
#[cfg(not(loom))]
pub mod sys;
#[cfg(not(loom))]
pub mod thread;
#[cfg(not(loom))]
pub mod timer;
#[cfg(not(loom))]
pub mod tls;

#[cfg(not(loom))]
pub use errno::{Errno, Exit};
#[cfg(not(loom))]
pub use signal::then_look;
#[cfg(not(loom))]
pub use start::{active, is_table_watched, serves, started};

/// Under the model: what of the scheduler has no system call in it.
#[cfg(loom)]
pub mod sched {
    pub mod seat;
    pub mod sleepers;
}

/// Under the model: what of the reactor has no system call in it.
#[cfg(loom)]
pub mod reactor {
    pub mod edges;
}

/// Under the model: what of signals has no system call in it.
#[cfg(loom)]
pub mod signal {
    pub mod arrivals;
}
