//! SO_RCVLOWAT: how much a read of a stream waits for.
//!
//! A try that may not wait takes no notice of it and gives what is there, and an edge comes when more than that is: so a socket that
//! has a mark is read as with MSG_WAITALL, up to it, and no read of one is left out because the last one was short. A socket has it from
//! its listener too, and under every number: so it is asked for, but only where the process has ever set one. One that was set before
//! an exec, or by another process, is not seen.

use crate::atomic::{AtomicBool, Ordering};
use crate::sys::{fd as sysfd, mem};
use core::ffi::{c_int, c_void};

static ANY: AtomicBool = AtomicBool::new(false);

/// An option is about to be set.
pub fn note(level: c_int, name: c_int, value: *const c_void) {
    let is_mark = level == libc::SOL_SOCKET && name == libc::SO_RCVLOWAT;
    if is_mark && mem::read(value.cast::<c_int>()).is_ok_and(|mark| !(0..=1).contains(&mark)) {
        ANY.store(true, Ordering::Relaxed);
    }
}

/// How many bytes there are to be, if that is more than one.
#[inline]
pub fn of(socket: c_int) -> Option<usize> {
    if ANY.load(Ordering::Relaxed) { asked_for(socket) } else { None }
}

#[cold]
fn asked_for(socket: c_int) -> Option<usize> {
    let mark = sysfd::sockopt::<c_int>(socket, libc::SOL_SOCKET, libc::SO_RCVLOWAT).ok().filter(|&mark| mark > 1)?;
    sysfd::is_stream(socket).then_some(mark as usize)
}
