//! What a descriptor number means may be about to change: the reactor must know.
//!
//! The library's own descriptors do not exist for the program: closing one is EBADF, closing a range goes
//! round them.

use super::green;
use super::low_mark;
use super::task;
use crate::errno::{Errno, Exit};
use crate::reactor;
pub use crate::reactor::Closing;
use crate::signal;
use crate::start;
use crate::sys::{fd as sysfd, mem, sig};
use crate::syscall;
use crate::thread::cancel;
use crate::tls;
use core::ffi::{c_int, c_uint, c_void};

/// A call made this number anew.
pub fn opened(fd: c_int) {
    reactor::forget(fd);
}

/// signalfd(2).
///
/// # Safety
/// As the C function.
pub unsafe fn signalfd(fd: c_int, set: *const libc::sigset_t, flags: c_int) -> Result<c_int, Exit> {
    signal::route::watch(mem::read::<sig::Mask>(set.cast()).unwrap_or(0));
    if !start::active() {
        return Err(Exit::Native);
    }
    // SAFETY: the caller's arguments; the kernel's set has eight bytes.
    let made = unsafe { syscall!(libc::SYS_signalfd4, fd, set, 8usize, flags) }? as c_int;
    opened(made);
    Ok(made)
}

/// A call acted on this number.
pub fn seen(_fd: c_int) {}

/// Whether the number is the library's own, which the program does not see.
pub fn is_hidden(fd: c_int) -> bool {
    reactor::is_own(fd)
}

/// A call changed the mode of some description.
pub fn mode_changed() {
    reactor::modes_changed();
}

/// libc is about to close it, at once or when it has done something else (`waits`); `Closing::done` when it has.
pub fn closing(fd: c_int, waits: bool) -> Closing {
    if waits { reactor::closing(fd) } else { reactor::shutting(fd) }
}

/// setsockopt(2): a socket's time-outs are remembered elsewhere, and so is that there are low-water marks, which are mostly set before
/// the second thread is there.
///
/// # Safety
/// As the C function.
pub unsafe fn setsockopt(fd: c_int, level: c_int, name: c_int, value: *const c_void, len: u32) -> Result<c_int, Exit> {
    low_mark::note(level, name, value);
    if tls::is_on() {
        // SAFETY: the caller's arguments.
        match unsafe { super::tls::setsockopt(fd, level, name, value, len) } {
            Err(Exit::Native) if start::active() => {}
            done => return done,
        }
    }
    if !start::active() {
        return Err(Exit::Native);
    }
    const MILLION: i64 = 1_000_000;
    const NEW_TIMEOUTS: core::ops::RangeInclusive<c_int> = 66..=67;
    let is_timeout = matches!(name, libc::SO_RCVTIMEO | libc::SO_SNDTIMEO) || NEW_TIMEOUTS.contains(&name);
    if level == libc::IPPROTO_TCP && name == libc::TCP_ULP {
        reactor::doubt_short_reads(fd);
    }
    if level != libc::SOL_SOCKET || !is_timeout {
        return Err(Exit::Native);
    }
    // A negative span is none at all, that is to say not to wait, and is told back as the zero that says to wait for ever.
    // The shortest span there is can be told apart.
    const SHORTEST: [i64; 2] = [0, 1];
    let is_negative =
        len >= 16 && mem::read(value.cast::<[i64; 2]>()).is_ok_and(|[s, us]| s < 0 && (0..MILLION).contains(&us));
    let value = if is_negative { SHORTEST.as_ptr().cast() } else { value };
    // SAFETY: the caller's arguments, or as many bytes of ours.
    let set = unsafe { syscall!(libc::SYS_setsockopt, fd, level, name, value, if is_negative { 16 } else { len }) };
    mode_changed();
    Ok(set.map(|_| 0)?)
}

/// close(2).
///
/// # Safety
/// As the C function.
pub unsafe fn close(fd: c_int) -> Result<c_int, Exit> {
    if reactor::is_own(fd) {
        return Err(Exit::Errno(libc::EBADF));
    }
    if green().is_some() {
        if cancel::is_pending() {
            return Err(Exit::Cancelled);
        }
    } else if cancel::may_be_pending() {
        // libc's own function ends the thread. What comes between is left to `reactor::verify`.
        reactor::closing(fd).done();
        return Err(Exit::Native);
    }
    // SAFETY: an integer.
    unsafe { close_now(fd) }
}

/// close(2), which is no cancellation point as a plain system call.
///
/// # Safety
/// As the C function.
pub unsafe fn close_now(fd: c_int) -> Result<c_int, Exit> {
    if reactor::is_own(fd) {
        return Err(Exit::Errno(libc::EBADF));
    }
    let closing = reactor::shutting_inside(fd);
    let closed = sysfd::close(fd);
    closing.done();
    Ok(closed.map(|()| 0)?)
}

/// dup2(2).
///
/// # Safety
/// As the C function.
pub unsafe fn dup2(old: c_int, new: c_int) -> Result<c_int, Exit> {
    if old == new {
        return if reactor::is_own(old) { Err(Exit::Errno(libc::EBADF)) } else { Err(Exit::Native) };
    }
    // SAFETY: integers.
    unsafe { dup3(old, new, 0) }
}

/// dup3(2).
///
/// # Safety
/// As the C function.
pub unsafe fn dup3(old: c_int, new: c_int, flags: c_int) -> Result<c_int, Exit> {
    if reactor::is_own(old) || reactor::is_own(new) {
        return Err(Exit::Errno(libc::EBADF));
    }
    if old == new {
        return Err(Exit::Native);
    }
    let closing = reactor::shutting_inside(new);
    // SAFETY: integers.
    let copy = unsafe { syscall!(libc::SYS_dup3, old, new, flags) };
    closing.done();
    Ok(copy.map(|fd| fd as c_int)?)
}

const CLOEXEC: c_int = libc::CLOSE_RANGE_CLOEXEC as c_int;
const UNSHARE: c_int = libc::CLOSE_RANGE_UNSHARE as c_int;

/// close_range(2).
///
/// # Safety
/// As the C function.
pub unsafe fn close_range(first: c_uint, last: c_uint, flags: c_int) -> Result<c_int, Exit> {
    if first > last {
        return Err(Exit::Errno(libc::EINVAL));
    }
    if flags & !(CLOEXEC | UNSHARE) != 0 {
        return Err(Exit::Errno(libc::EINVAL));
    }
    // What is closed in a table of one's own concerns nobody: the calls below are the kernel's alone then.
    if flags & UNSHARE != 0 {
        return task::unshares_table(|| close_each(first, last, flags));
    }
    let (first, last) = (first as i64, last as i64);
    let mut closing = Vec::new();
    if flags & CLOEXEC == 0 {
        let seen = (first..=last.min(reactor::highest())).map(|fd| fd as c_int);
        closing.extend(seen.filter(|&fd| !reactor::is_own(fd)).map(reactor::shutting_inside));
    }
    let closed = close_each(first as c_uint, last as c_uint, flags);
    for one in closing {
        one.done();
    }
    Ok(closed?)
}

/// close_range(2), round the library's own.
fn close_each(first: c_uint, last: c_uint, flags: c_int) -> Result<c_int, Errno> {
    let (first, last) = (first as i64, last as i64);
    let mut own = reactor::own_descriptors();
    own.sort_unstable();
    let mut from = first;
    for fd in own.into_iter().map(i64::from).chain([last + 1]).filter(|&fd| fd >= first) {
        let to = (fd - 1).min(last);
        if from <= to {
            // SAFETY: integers.
            unsafe { syscall!(libc::SYS_close_range, from, to, flags) }?;
        }
        from = from.max(fd + 1);
    }
    Ok(0)
}

/// closefrom(3).
///
/// # Safety
/// As the C function.
pub unsafe fn closefrom(first: c_int) -> Result<(), Exit> {
    // SAFETY: integers.
    match unsafe { close_range(first.max(0) as c_uint, c_uint::MAX, 0) } {
        Ok(_) => Ok(()),
        Err(Exit::Errno(e)) => Err(Errno(e).into()),
        Err(e) => Err(e),
    }
}
