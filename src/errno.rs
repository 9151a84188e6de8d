//! Error numbers inside the engine, and the four ways an operation can end without a value.
//!
//! Inside, errors are values; `errno` itself is written by `preload` alone, at the edge. Nothing here
//! may assume that the calling thread has a valid `errno` location.

/// A positive error number as the kernel and POSIX define it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno(pub i32);

impl Errno {
    /// A try did a part, and the rest can be tried at once. It never leaves the engine.
    pub const PARTLY: Errno = Errno(-1);
    /// The same where Linux has the part as a call of its own: a socket's limit begins anew with the next.
    pub const ANEW: Errno = Errno(-3);
    /// The call may block where nothing tells when it would not: it is made natively, with the permit given up.
    pub const BLOCKS: Errno = Errno(-2);
    pub const AGAIN: Errno = Errno(libc::EAGAIN);
    pub const INTR: Errno = Errno(libc::EINTR);
    pub const INVAL: Errno = Errno(libc::EINVAL);
    pub const TIMEDOUT: Errno = Errno(libc::ETIMEDOUT);
}

/// Why an operation ends without a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Not ours: the hook makes the real call with the same arguments.
    Native,
    /// The same for a call that may block: the permit is given up meanwhile.
    Offloaded,
    /// The call fails with this (positive) error number.
    Errno(i32),
    /// The thread has been cancelled: the hook calls the real `pthread_testcancel` from its own frame,
    /// where nothing with a destructor lives, and runs the operation again should that return.
    Cancelled,
}

impl From<Errno> for Exit {
    fn from(e: Errno) -> Exit {
        if e == Errno::BLOCKS { Exit::Offloaded } else { Exit::Errno(e.0) }
    }
}
